//! What `--help` says last: examples of every request, and the exit codes.

pub(super) const EXAMPLES: &str = "Examples:
  suite doctor                                 is this host fit for measurements?
  suite run --engine all                       the whole comparison, quick profile
  suite run --engine mio,tokio/per-core        two of them
  suite run --profile standard                 longer, with narrower intervals
  suite run --resume runs/2026-01-31-host-crossover
  suite plan --profile full                    what that would take
  suite compare runs/BEFORE runs/AFTER --fail-on any:5
  suite verify --engine may --case drain       conformance: the cases about draining
  suite serve --engine may -- --addr tcp://127.0.0.1:7000
  suite show runs/2026-01-31-host-crossover 17

Exit codes:
  0    done
  1    done, but a trial, a case or a check failed, or no trial of a run is valid (the records or the table say why)
  2    the request cannot be met: wrong input, or nothing to measure with
  3    compare --fail-on: a regression
  130  interrupted; what was recorded is whole, and --resume goes on

Tables are aligned text, coloured on a terminal unless NO_COLOR is set; --format json, csv and md are for programs.";

pub(super) const DOCTOR: &str = "Examples:
  suite doctor                                 look; exit code 1 when something FAILs
  suite doctor --format json                   the same, for programs
  suite doctor --apply                         set the kernel settings that it asks for (as root)
  suite doctor --restore                       set them back";

pub(super) const ENGINES: &str = "Examples:
  suite engines                                build each, and start it once
  suite engines --no-build --format csv        only what their engine.toml says";

pub(super) const RUN: &str = "Examples:
  suite run --engine all                       the crossover experiment, quick profile
  suite run seam --engine mio/default,mio/bare another experiment, two variants
  suite run my.toml --out runs/mine            an experiment of your own
  suite run --resume runs/mine                 finish what was interrupted
  suite run --engine all --quiet --format json > analysis.json

Exit codes: 0 done; 1 a trial failed, or none is valid; 2 wrong input; 130 interrupted.";

pub(super) const PLAN: &str = "Examples:
  suite plan --engine all                      cells, trials and duration of the quick profile
  suite plan --profile full --format md        its cells as a Markdown table
  suite plan --seed 7 --format json            the whole plan, every trial included";

pub(super) const VERIFY: &str = "Examples:
  suite verify                                 every case against every variant
  suite verify --engine may --case drain       the cases about draining
  suite verify --long --publish                the long set, and its table into engines/README.md
  suite verify --quiet --format csv            one finding a line";

pub(super) const SERVE: &str = "Examples:
  suite serve --engine may -- --addr tcp://127.0.0.1:7000
  suite serve --engine tokio/per-core -- --addr unix:///tmp/echo.sock --workers 2
  suite serve --engine mio -- --help           the options of every engine";

pub(super) const SHOW: &str = "Examples:
  suite show runs/2026-01-31-host-crossover 17
  suite show runs/2026-01-31-host-crossover 17 --format json   the whole record
  suite show runs/2026-01-31-host-crossover 17 --format csv    its metrics";

pub(super) const REPORT: &str = "Examples:
  suite report runs/2026-01-31-host-crossover
  suite report runs/2026-01-31-host-crossover --all --color always | less -R
  suite report runs/2026-01-31-host-crossover --format csv     every value of every table, one a line";

pub(super) const COMPARE: &str = "Examples:
  suite compare runs/BEFORE runs/AFTER
  suite compare runs/BEFORE runs/AFTER --fail-on any           exit code 3 on any regression
  suite compare runs/BEFORE runs/AFTER --fail-on server_cpu_per_frame_ns,response_p99_ns:5
  suite compare runs/BEFORE runs/AFTER --html compare.html     a page of both, side by side, too
  suite compare runs/BEFORE runs/AFTER --format csv            every comparison, one a line

Exit codes: 0 compared; 2 wrong input, or the runs are not comparable; 3 a regression that --fail-on watches.";

pub(super) const EXPORT: &str = "Examples:
  suite export runs/RUN --format csv > trials.csv
  suite export runs/RUN --format bmf | bencher run --adapter json --file /dev/stdin
  suite export runs/BEFORE --format go > a.txt; suite export runs/AFTER --format go > b.txt; benchstat a.txt b.txt
  suite export runs/RUN --format sqlite --out run.sqlite";

pub(super) const PUBLISH: &str = "Examples:
  suite publish runs/2026-01-31-host-crossover

A run is published when it is complete, of a release build, and of a tree without uncommitted changes; its folder in
results/ takes at most 5 MB, and is never rewritten.";

pub(super) const COMPLETIONS: &str = "Examples:
  suite completions bash > ~/.local/share/bash-completion/completions/suite
  suite completions zsh > ~/.zfunc/_suite
  suite completions fish > ~/.config/fish/completions/suite.fish";

pub(super) const MAN: &str = "Examples:
  suite man | man -l -
  suite man --out ~/.local/share/man/man1";
