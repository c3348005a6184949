//! Command lines of a trial's processes, in little space: a hundred of one kind differ in a few words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The processes of one kind, as they were started.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLine {
    /// `server` or `client`.
    pub role: String,
    /// The first process.
    pub argv: Vec<String>,
    /// The others: the words in which each differs from the first, by their places in `argv`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<BTreeMap<usize, String>>,
}

impl CommandLine {
    /// The command lines of processes with one role. As many words make a kind.
    #[must_use]
    pub fn fold(role: &str, processes: &[Vec<String>]) -> Vec<Self> {
        let mut kinds: Vec<Self> = Vec::new();
        for argv in processes {
            match kinds.last_mut().filter(|kind| kind.argv.len() == argv.len()) {
                Some(kind) => {
                    let words = kind.argv.iter().zip(argv).enumerate();
                    let differing = words.filter(|(_, (first, own))| first != own);
                    kind.also.push(differing.map(|(place, (_, own))| (place, own.clone())).collect());
                }
                None => kinds.push(Self { role: role.to_owned(), argv: argv.clone(), also: Vec::new() }),
            }
        }
        kinds
    }

    /// Every process of the kind, in the order in which they were started.
    #[must_use]
    pub fn unfold(&self) -> Vec<Vec<String>> {
        let of = |words: &BTreeMap<usize, String>| {
            let own = |(place, first): (usize, &String)| words.get(&place).unwrap_or(first).clone();
            self.argv.iter().enumerate().map(own).collect()
        };
        std::iter::once(self.argv.clone()).chain(self.also.iter().map(of)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(processes: &[&str], kinds: usize) -> Vec<CommandLine> {
        let processes: Vec<Vec<String>> =
            processes.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect();
        let folded = CommandLine::fold("client", &processes);
        assert_eq!(folded.len(), kinds);
        let text = serde_json::to_string(&folded).unwrap();
        let back: Vec<CommandLine> = serde_json::from_str(&text).unwrap();
        assert_eq!(back.iter().flat_map(CommandLine::unfold).collect::<Vec<_>>(), processes, "{text}");
        folded
    }

    #[test]
    fn what_was_folded_unfolds() {
        assert_eq!(check(&["a b 1 c", "a b 2 c", "a x 1 c"], 1)[0].also[0], BTreeMap::from([(2, "2".to_owned())]));
        check(&["a b", "a b"], 1);
        check(&["a b", "a b c", "a d c"], 2);
        check(&[], 0);
    }

    #[test]
    fn older_records_are_read() {
        let line: CommandLine = serde_json::from_str(r#"{"role":"server","argv":["x"]}"#).unwrap();
        assert_eq!(line.unfold(), [["x"]]);
    }
}
