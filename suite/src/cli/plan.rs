//! `suite plan`: what a run would do.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use super::args::{PlanArgs, WorkspaceArgs};
use super::workspace::Workspace;
use crate::plan::{CpuSplit, Plan, estimate_ms, trials};
use crate::precedent::precedent;
use crate::progress::spell;

pub(super) fn plan(workspace: &WorkspaceArgs, asked: &PlanArgs) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    for plan in workspace.plans(asked)? {
        let text = describe(&plan) + &precedent(&workspace.root, &plan).describe(&plan);
        std::io::stdout().write_all(text.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
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
        let rates: Vec<String> = plan.load.iter().map(|load| load.describe(cell.payload_bytes)).collect();
        text += &format!(
            "{gap}{} {} × {} B: {}{processes}{twin}\n",
            cell.transport.name(),
            cell.connections,
            cell.payload_bytes,
            rates.join(", then ")
        );
    }
    for absent in &plan.absent {
        let mut over = absent.transport.map_or_else(String::new, |transport| format!(" over {}", transport.name()));
        over += &absent.connections.map_or_else(String::new, |connections| format!(" with {connections} connections"));
        text += &format!("  left out  {}/{}{over}: {}\n", absent.engine, absent.variant, absent.reason);
    }
    text += &format!(
        "  CPUs      server {}, client {}\n  trials    {} in {} blocks, {twins} of them twins (A/A)\n",
        CpuSplit::spell(&plan.cpus.server),
        CpuSplit::spell(&plan.cpus.client),
        trials.len(),
        plan.timing.blocks,
    );
    text + &format!("  duration  about {}, after the build\n", spell(Duration::from_millis(estimate_ms(plan))))
}
