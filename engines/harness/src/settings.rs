//! The command line of one engine: the shared options, its own settings, its variants, and what it must refuse.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::manifest::{Manifest, Variant};
use crate::options::Options;

/// A command line, read.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) options: Options,
    pub(crate) variant: Variant,
    /// The engine's own options, by name.
    pub(crate) own: BTreeMap<String, String>,
}

/// Why a command line cannot be served.
#[derive(Debug)]
pub(crate) enum SettingsError {
    /// Help, version, or what clap has to say; it prints and exits by itself.
    Usage(clap::Error),
    Refused(String),
}

impl Settings {
    /// Reads `argv` (program name first) for the engine of `manifest`.
    pub(crate) fn read(manifest: &Manifest, version: &str, argv: &[OsString]) -> Result<Self, SettingsError> {
        let command = command(manifest, version);
        let first = command.clone().try_get_matches_from(argv).map_err(SettingsError::Usage)?;
        let name = first.get_one::<String>("variant").expect("has a default");
        let variant = manifest.variant(name).expect("clap allows the manifest's names only");
        // The variant's arguments come first, so that the command line can override them.
        let argv =
            argv[..1].iter().cloned().chain(variant.args.iter().map(OsString::from)).chain(argv[1..].iter().cloned());
        let matches = command.try_get_matches_from(argv).map_err(SettingsError::Usage)?;
        let options = Options::from_arg_matches(&matches).map_err(SettingsError::Usage)?;
        let own = manifest.setting.keys().map(|name| (name.clone(), value(&matches, name))).collect();
        let settings = Self { options, variant: variant.clone(), own };
        settings.refuse_unsupported(manifest, &matches)?;
        Ok(settings)
    }

    fn refuse_unsupported(&self, manifest: &Manifest, matches: &ArgMatches) -> Result<(), SettingsError> {
        let effective = self.options.effective();
        for (option, value) in &effective {
            let id = option.replace('-', "_");
            let asked = matches.value_source(&id) == Some(ValueSource::CommandLine);
            if asked && let Some(reason) = manifest.refusal(&self.variant, option, value) {
                return Err(SettingsError::Refused(format!(
                    "--{option} {value} cannot be honoured by {}/{}: {reason}",
                    manifest.name, self.variant.name
                )));
            }
        }
        let served = manifest.transports(&self.variant);
        for addr in &self.options.addr {
            if !served.iter().any(|transport| transport == addr.transport()) {
                let reason = manifest.refusal(&self.variant, addr.transport(), "");
                return Err(SettingsError::Refused(format!(
                    "--addr {addr} cannot be served by {}/{}: {}",
                    manifest.name,
                    self.variant.name,
                    reason.unwrap_or("engine.toml does not list that transport")
                )));
            }
        }
        Ok(())
    }
}

fn value(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).expect("settings have defaults").clone()
}

fn command(manifest: &Manifest, version: &str) -> Command {
    let variants: Vec<String> = manifest.variant.iter().map(|variant| variant.name.clone()).collect();
    let default = variants.first().cloned().expect("a manifest has at least one variant");
    let command = Command::new(format!("engine-{}", manifest.name))
        .about(manifest.line.clone())
        .version(format!("({} {version})", manifest.framework))
        .args_override_self(true)
        .arg(
            Arg::new("variant")
                .long("variant")
                .value_name("NAME")
                .help("The way to run this engine")
                .default_value(default)
                .value_parser(clap::builder::PossibleValuesParser::new(variants)),
        );
    let command = Options::augment_args(command);
    manifest.setting.iter().fold(command, |command, (name, setting)| {
        command.arg(
            Arg::new(name.clone()).long(name.clone()).help(setting.help.clone()).default_value(setting.default.clone()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        name = "x"
        framework = "fx"
        line = "an engine"
        transports = ["tcp"]
        unsupported = { "write-queue=0" = "reads and writes alternate", udp = "no datagrams here" }
        setting.stack-size = { default = "32768", help = "bytes of stack" }
        [[variant]]
        name = "a"
        line = "default"
        args = ["--acceptors", "1"]
        [[variant]]
        name = "b"
        line = "small stacks"
        args = ["--stack-size", "4096"]
    "#;

    fn read(line: &str) -> Result<Settings, String> {
        let manifest = Manifest::parse(MANIFEST).expect("valid");
        let argv: Vec<OsString> = std::iter::once("x").chain(line.split_whitespace()).map(OsString::from).collect();
        Settings::read(&manifest, "1.0", &argv).map_err(|error| match error {
            SettingsError::Usage(error) => error.to_string(),
            SettingsError::Refused(text) => text,
        })
    }

    #[test]
    fn variants_set_options_and_the_command_line_overrides_them() {
        let settings = read("--addr tcp://127.0.0.1:0 --workers 3").expect("valid");
        assert_eq!((settings.options.acceptors(), settings.own["stack-size"].as_str()), (1, "32768"));
        let settings = read("--variant b --addr tcp://127.0.0.1:0 --workers 3").expect("valid");
        assert_eq!((settings.options.acceptors(), settings.own["stack-size"].as_str()), (3, "4096"));
        let settings = read("--variant b --stack-size 1 --addr tcp://127.0.0.1:0").expect("valid");
        assert_eq!(settings.own["stack-size"], "1");
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_with_the_reason() {
        for (line, reason) in [
            ("--addr tcp://127.0.0.1:0 --write-queue 0", "reads and writes alternate"),
            ("--addr udp://127.0.0.1:0", "no datagrams here"),
            ("--addr unix:///tmp/x", "does not list"),
            ("--addr tcp://127.0.0.1:0 --variant c", "possible values"),
            ("--addr tcp://127.0.0.1:0 --cpus 2-1", "no CPU list"),
            ("--addr nonsense", "no scheme"),
            ("--addr tcp://127.0.0.1:0 --idle-timeout soon", "idle-timeout"),
            ("", "--addr"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(reason), "{line}: {error}");
        }
        assert!(read("--addr tcp://127.0.0.1:0 --write-queue 1").is_ok());
    }
}
