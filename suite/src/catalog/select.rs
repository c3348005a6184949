//! Reads `--engine all|a,b|a/variant`.

use anyhow::bail;

use super::{Engine, nearest};
use crate::experiment::Scope;

/// One variant of one engine, by their places in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    pub engine: usize,
    pub variant: usize,
}

/// The variants that `wanted` names, in catalog order, each once; what it does not say, `scope` says.
///
/// # Errors
/// Names what is unknown, and what is known.
pub fn select(engines: &[Engine], wanted: Option<&str>, scope: Scope) -> anyhow::Result<Vec<Choice>> {
    let chosen: Vec<Choice> = match wanted.map(str::trim) {
        None => match scope {
            Scope::All => all(engines),
            Scope::Controls => controls(engines),
        },
        Some(list) => {
            let mut named = Vec::new();
            for name in list.split(',').map(str::trim) {
                match name {
                    "all" => named.extend(all(engines)),
                    name => named.extend(by_name(engines, name)?),
                }
            }
            let every = (0..engines.len()).flat_map(|engine| every_variant(engines, engine));
            every.filter(|choice| named.contains(choice)).collect()
        }
    };
    if chosen.is_empty() {
        bail!("there is no engine to run: none has an engine.toml, or the experiment's scope fits none");
    }
    Ok(chosen)
}

fn every_variant(engines: &[Engine], engine: usize) -> impl Iterator<Item = Choice> {
    (0..engines[engine].manifest.variant.len()).map(move |variant| Choice { engine, variant })
}

fn contenders(engines: &[Engine], engine: usize) -> impl Iterator<Item = Choice> {
    every_variant(engines, engine).filter(move |choice| engines[engine].manifest.variant[choice.variant].role.is_none())
}

fn all(engines: &[Engine]) -> Vec<Choice> {
    (0..engines.len()).flat_map(|engine| contenders(engines, engine)).collect()
}

/// Each control, with the engine's first contender: what it is the control of.
fn controls(engines: &[Engine]) -> Vec<Choice> {
    let mut chosen = Vec::new();
    for engine in 0..engines.len() {
        let first = contenders(engines, engine).next();
        let controls: Vec<Choice> = every_variant(engines, engine)
            .filter(|choice| engines[engine].manifest.variant[choice.variant].role.is_some())
            .collect();
        if !controls.is_empty() {
            chosen.extend(first);
            chosen.extend(controls);
        }
    }
    chosen
}

fn by_name(engines: &[Engine], name: &str) -> anyhow::Result<Vec<Choice>> {
    let (wanted_engine, wanted_variant) = match name.split_once('/') {
        Some((engine, variant)) => (engine, Some(variant)),
        None => (name, None),
    };
    let known: Vec<String> = engines.iter().map(|engine| engine.name().to_owned()).collect();
    let Some(engine) = known.iter().position(|known| known == wanted_engine) else {
        bail!("unknown engine {wanted_engine:?}{} (known: {})", hint(wanted_engine, &known), known.join(", "));
    };
    let Some(wanted_variant) = wanted_variant else { return Ok(contenders(engines, engine).collect()) };
    let known: Vec<String> = engines[engine].manifest.variant.iter().map(|variant| variant.name.clone()).collect();
    let Some(variant) = known.iter().position(|known| known == wanted_variant) else {
        bail!(
            "unknown variant {wanted_variant:?} of {wanted_engine}{} (known: {})",
            hint(wanted_variant, &known),
            known.join(", ")
        );
    };
    Ok(vec![Choice { engine, variant }])
}

fn hint(wanted: &str, known: &[String]) -> String {
    nearest(wanted, known).map_or_else(String::new, |near| format!(", did you mean {near}?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::manifest::Manifest;

    fn catalog() -> Vec<Engine> {
        let engine = |name: &str, variants: &str| Engine {
            folder: name.into(),
            manifest: Manifest::parse(&format!(
                "name = \"{name}\"\nframework = \"f\"\nline = \"\"\ntransports = [\"tcp\"]\n{variants}"
            ))
            .unwrap(),
        };
        let contender = |name: &str| format!("[[variant]]\nname = \"{name}\"\nline = \"\"\n");
        let control = format!("{}role = \"control\"\n", contender("bare"));
        vec![
            engine("one", &[contender("a"), contender("b")].concat()),
            engine("two", &[contender("c"), control].concat()),
        ]
    }

    fn check(wanted: Option<&str>, scope: Scope, expected: &[&str]) {
        let engines = catalog();
        let names: Vec<String> = select(&engines, wanted, scope)
            .unwrap()
            .iter()
            .map(|choice| {
                let engine = &engines[choice.engine];
                format!("{}/{}", engine.name(), engine.manifest.variant[choice.variant].name)
            })
            .collect();
        assert_eq!(names, expected, "{wanted:?}");
    }

    #[test]
    fn controls_run_only_when_named() {
        check(None, Scope::All, &["one/a", "one/b", "two/c"]);
        check(Some("all"), Scope::Controls, &["one/a", "one/b", "two/c"]);
        check(None, Scope::Controls, &["two/c", "two/bare"]);
        check(Some("two/bare,one/b"), Scope::All, &["one/b", "two/bare"]);
        check(Some("one,one/a"), Scope::All, &["one/a", "one/b"]);
    }

    #[test]
    fn what_is_unknown_is_named_with_what_is_known() {
        let error = |wanted| select(&catalog(), Some(wanted), Scope::All).unwrap_err().to_string();
        assert_eq!(error("oen"), "unknown engine \"oen\", did you mean one? (known: one, two)");
        assert_eq!(error("two/x"), "unknown variant \"x\" of two, did you mean c? (known: c, bare)");
        assert!(error("").contains("unknown engine"));
    }
}
