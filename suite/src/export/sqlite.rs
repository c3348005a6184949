//! A SQLite database: trials, loads, memory and metrics as tables, for re-analysis.

use std::path::Path;

use anyhow::{Context as _, bail};
use rusqlite::{Connection, params};

use super::long::{unit, values};
use crate::analyse::Context;
use crate::record::{Mode, State, Trial};

/// The tables. Integers are in base units, the unit in the name; SQLite's integers are signed 64 bit.
const TABLES: &str = "
CREATE TABLE run (
    name TEXT, date TEXT, experiment TEXT, profile TEXT, question TEXT, command TEXT, revision TEXT, dirty INTEGER,
    debug INTEGER, host TEXT, kernel TEXT, cpu TEXT, cores INTEGER, memory_bytes INTEGER, seed INTEGER
);
CREATE TABLE trial (
    trial INTEGER PRIMARY KEY, block INTEGER, twin INTEGER, engine TEXT, variant TEXT, version TEXT, transport TEXT,
    connections INTEGER, payload_bytes INTEGER, seed INTEGER, started_unix_ms INTEGER, elapsed_ms INTEGER, failure TEXT,
    record_json TEXT
);
CREATE TABLE metric (
    trial INTEGER REFERENCES trial, metric TEXT, unit TEXT, status TEXT, value REAL, reason TEXT,
    PRIMARY KEY (trial, metric)
);
CREATE TABLE load (
    trial INTEGER REFERENCES trial, place INTEGER, mode TEXT, duration_ns INTEGER, frames_intended INTEGER,
    frames_ok INTEGER, frames_unsent INTEGER, frames_unanswered INTEGER, rate_intended_per_s REAL,
    rate_achieved_per_s REAL, response_p50_ns INTEGER, response_p99_ns INTEGER, response_p999_ns INTEGER,
    lag_p99_ns INTEGER, server_cpu_ns INTEGER, server_frames INTEGER, client_cpu_ns INTEGER, steal_ns INTEGER,
    foreign_ns INTEGER, PRIMARY KEY (trial, place)
);
CREATE TABLE gate (trial INTEGER REFERENCES trial, place INTEGER, gate TEXT, detail TEXT);
CREATE TABLE memory (
    trial INTEGER REFERENCES trial, state TEXT, connections INTEGER, rss_bytes INTEGER, pss_anon_bytes INTEGER,
    page_tables_bytes INTEGER, maps INTEGER, allocated_bytes INTEGER, conn_buffer_bytes INTEGER,
    slab_tcp_bytes INTEGER, slab_unix_bytes INTEGER, slab_sock_inode_bytes INTEGER, slab_filp_bytes INTEGER,
    slab_dentry_bytes INTEGER, slab_eventpoll_bytes INTEGER, tcp_mem_bytes INTEGER
);
";

/// Writes the run into a new database at `path`. `trial.record_json` is the whole record, histograms included, for
/// SQLite's JSON functions.
///
/// # Errors
/// When something is at `path`, or it cannot be written; then nothing is left behind.
pub fn sqlite(path: &Path, trials: &[Trial], context: &Context) -> anyhow::Result<()> {
    if path.exists() {
        bail!("{} is there already: name another --out, or remove it", path.display());
    }
    let partial = path.with_extension("partial");
    let written = write(&partial, trials, context);
    if written.is_err() {
        // The reason is in `written`; a file that was never made cannot be removed.
        let _ = std::fs::remove_file(&partial);
    }
    written.with_context(|| format!("failed to write {}", path.display()))?;
    std::fs::rename(&partial, path).with_context(|| format!("failed to write {}", path.display()))
}

fn write(path: &Path, trials: &[Trial], context: &Context) -> anyhow::Result<()> {
    let mut database = Connection::open(path)?;
    database.execute_batch(TABLES)?;
    let transaction = database.transaction()?;
    let host = &context.host;
    transaction.execute(
        "INSERT INTO run VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        params![
            context.run,
            context.date,
            context.experiment,
            context.profile,
            context.question,
            context.command,
            context.revision,
            context.dirty,
            context.debug,
            host.name,
            host.kernel,
            host.cpu,
            host.cores,
            signed(host.memory_bytes),
            signed(context.seed),
        ],
    )?;
    for trial in trials {
        insert(&transaction, trial)?;
    }
    transaction.commit()?;
    database.close().map_err(|(_, error)| error)?;
    Ok(())
}

fn insert(database: &Connection, trial: &Trial) -> anyhow::Result<()> {
    let number = trial.trial;
    database.prepare_cached("INSERT INTO trial VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?.execute(params![
        number,
        trial.block,
        trial.twin,
        trial.engine,
        trial.variant,
        trial.ready.as_ref().map(|ready| &ready.version),
        trial.cell.transport.name(),
        trial.cell.connections,
        trial.cell.payload_bytes,
        signed(trial.seed),
        signed(trial.started_unix_ms),
        signed(trial.elapsed_ms),
        trial.failure.as_ref().map(|failure| format!("{}: {}", failure.stage, failure.error)),
        serde_json::to_string(trial)?,
    ])?;
    for value in values(trial) {
        database.prepare_cached("INSERT INTO metric VALUES (?,?,?,?,?,?)")?.execute(params![
            number,
            value.metric.key(),
            unit(value.metric),
            value.status,
            value.value,
            value.reason,
        ])?;
    }
    for (place, load) in trial.loads.iter().enumerate() {
        let client = &load.client;
        let quantile = |value: Option<u64>| value.map(signed);
        database.prepare_cached("INSERT INTO load VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?.execute(
            params![
                number,
                place as i64,
                mode(load.mode),
                signed(client.duration_ns),
                signed(client.frames_intended),
                signed(client.frames_ok),
                signed(client.frames_unsent),
                signed(client.frames_unanswered),
                client.rate_intended_per_s,
                client.rate_achieved_per_s,
                quantile(client.response_ns.p50),
                quantile(client.response_ns.p99),
                quantile(client.response_ns.p999),
                quantile(client.lag_ns.p99),
                signed(load.server.cpu_ns),
                signed(load.server_frames),
                signed(client.cpu_ns),
                signed(load.host.steal_ns),
                signed(load.host.foreign_ns),
            ],
        )?;
        for gate in &load.gates {
            let mut statement = database.prepare_cached("INSERT INTO gate VALUES (?,?,?,?)")?;
            statement.execute(params![number, place as i64, gate.gate, gate.detail])?;
        }
    }
    for memory in &trial.memory {
        let kernel = &memory.kernel;
        let numbers = [
            memory.connections,
            memory.rss_bytes,
            memory.pss_anon_bytes,
            memory.page_tables_bytes,
            memory.maps,
            memory.allocated_bytes,
            memory.conn_buffer_bytes,
            kernel.slab_tcp_bytes,
            kernel.slab_unix_bytes,
            kernel.slab_sock_inode_bytes,
            kernel.slab_filp_bytes,
            kernel.slab_dentry_bytes,
            kernel.slab_eventpoll_bytes,
            kernel.tcp_mem_bytes,
        ];
        let mut row: Vec<rusqlite::types::Value> =
            vec![i64::from(number).into(), state(memory.state).to_owned().into()];
        row.extend(numbers.map(|number| signed(number).into()));
        let mut statement = database.prepare_cached("INSERT INTO memory VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?;
        statement.execute(rusqlite::params_from_iter(row))?;
    }
    Ok(())
}

/// As SQLite keeps integers. Nothing that is counted here reaches 2⁶³.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Open => "open",
        Mode::Saturate => "saturate",
        Mode::Hold => "hold",
        Mode::Search => "search",
        Mode::SlowReader => "slow-reader",
    }
}

const fn state(state: State) -> &'static str {
    match state {
        State::Before => "before",
        State::Connected => "connected",
        State::Active => "active",
        State::Used => "used",
    }
}
