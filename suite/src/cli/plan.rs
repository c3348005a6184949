//! `suite plan`: what a run would do.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{PlanArgs, WorkspaceArgs};
use super::output::{Format, OutputArgs, say};
use super::sheet::{Sheet, Tint};
use super::workspace::Workspace;
use crate::plan::{CpuSplit, Plan, estimate_ms, trial_ms, trials};
use crate::precedent::precedent;
use crate::progress::spell;
use crate::record::Cell;

pub(super) fn plan(workspace: &WorkspaceArgs, asked: &PlanArgs, output: OutputArgs) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    let plans = workspace.plans(asked)?;
    if output.format == Format::Text {
        for plan in &plans {
            say(&(describe(plan) + &precedent(&workspace.root, plan).describe(plan)))?;
        }
    } else {
        let objects: Vec<Value> = plans.iter().map(object).collect();
        output.print(&cells(&plans), &objects)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The cells of all plans.
fn cells(plans: &[Plan]) -> Sheet {
    let mut sheet = Sheet::new(&[
        "experiment",
        "profile",
        "transport",
        ">connections",
        ">payload_bytes",
        ">processes",
        ">blocks",
        ">trials",
        ">duration_ms",
        "loads",
        "twin",
    ]);
    for plan in plans {
        let all = trials(plan);
        for cell in &plan.cell {
            let here = all.iter().filter(|trial| trial.cell == *cell).count();
            sheet.push(
                Tint::Plain,
                vec![
                    plan.experiment.clone(),
                    plan.profile.clone(),
                    cell.transport.name().into(),
                    cell.connections.to_string(),
                    cell.payload_bytes.to_string(),
                    plan.processes(cell.connections).to_string(),
                    plan.timing.blocks.to_string(),
                    here.to_string(),
                    (trial_ms(plan, *cell) * here as u64).to_string(),
                    loads(plan, *cell).join("; "),
                    if plan.twin.contains(cell) { "yes" } else { "no" }.into(),
                ],
            );
        }
    }
    sheet
}

/// The plan as it would be saved, and every trial that it makes.
fn object(plan: &Plan) -> Value {
    let name = |variant: usize| format!("{}/{}", plan.variant[variant].engine, plan.variant[variant].variant);
    let trials: Vec<Value> = trials(plan)
        .iter()
        .map(|t| {
            json!({"trial": t.trial, "block": t.block, "variant": name(t.variant), "twin": t.twin, "cell": t.cell,
                "seed": t.seed})
        })
        .collect();
    json!({"plan": plan, "duration_ms": estimate_ms(plan), "trials": trials})
}

fn loads(plan: &Plan, cell: Cell) -> Vec<String> {
    plan.load.iter().map(|load| load.describe(cell.payload_bytes)).collect()
}

/// The plan for people.
fn describe(plan: &Plan) -> String {
    let trials = trials(plan);
    let twins = trials.iter().filter(|trial| trial.twin).count();
    let variants: Vec<String> = plan.variant.iter().map(|v| format!("{}/{}", v.engine, v.variant)).collect();
    let mut text = format!(
        "{} ({}): {}\n\n  variants  {}\n  cells     ",
        plan.experiment,
        plan.profile,
        plan.question,
        variants.join(", ")
    );
    for (index, cell) in plan.cell.iter().enumerate() {
        let gap = if index == 0 { "" } else { "            " };
        let processes = match plan.processes(cell.connections) {
            1 => String::new(),
            several => format!(" over {several} server and {several} client processes"),
        };
        let twin = if plan.twin.contains(cell) { ", one trial twice" } else { "" };
        text += &format!(
            "{gap}{} {} × {} B: {}{processes}{twin}\n",
            cell.transport.name(),
            cell.connections,
            cell.payload_bytes,
            loads(plan, *cell).join(", then ")
        );
    }
    if let Some(ladder) = &plan.ladder {
        let rates: Vec<String> = ladder.rates_per_s.iter().map(|rate| format!("{rate}/s")).collect();
        let percent = ladder.peak_percent;
        text += &format!(
            "  then      on fresh servers at {}, at {percent} % of the slowest peak and at {percent} % of the own\n",
            rates.join(", ")
        );
    }
    for absent in &plan.absent {
        let mut over = absent.transport.map_or_else(String::new, |transport| format!(" over {}", transport.name()));
        over += &absent.connections.map_or_else(String::new, |connections| format!(" with {connections} connections"));
        text += &format!("  left out  {}/{}{over}: {}\n", absent.engine, absent.variant, absent.reason);
    }
    if !plan.given_up.is_empty() {
        text += &format!("  given up  to stay within the budget: {}\n", plan.given_up.join(", "));
    }
    text += &format!(
        "  CPUs      server {}, client {}\n  trials    {} in {} blocks, {twins} of them twins (A/A)\n",
        CpuSplit::spell(&plan.cpus.server),
        CpuSplit::spell(&plan.cpus.client),
        trials.len(),
        plan.timing.blocks,
    );
    let time = |ms| spell(Duration::from_millis(ms));
    let bisection = plan.bisect_ms.map_or_else(String::new, |ms| format!(", and up to {} of bisection", time(ms)));
    text + &format!("  duration  about {}{bisection}, after the build\n", time(estimate_ms(plan)))
}
