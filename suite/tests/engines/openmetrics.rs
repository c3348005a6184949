//! A strict reader of OpenMetrics 1.0 text: what the specification says MUST is an error here, also where
//! Prometheus would let it pass.

use std::collections::{BTreeMap, BTreeSet};

/// A metric family.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: String,
    /// In the order of the text.
    pub(crate) samples: Vec<Sample>,
}

/// A sample: its name's ending after the family's, labels, value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) suffix: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Family {
    /// The sum over all samples of that ending.
    pub(crate) fn sum(&self, suffix: &str) -> f64 {
        self.samples.iter().filter(|sample| sample.suffix == suffix).map(|sample| sample.value).sum()
    }
}

/// The families of an exposition, or what is wrong with it and where.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("does not end with '# EOF' and a line feed")?;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for (number, line) in body.split_terminator('\n').enumerate() {
        let wrong = |what: &str| format!("line {}: {what}: {line}", number + 1);
        if line.contains('\r') || line.is_empty() {
            return Err(wrong("an empty line or a carriage return"));
        }
        match line.strip_prefix("# ") {
            Some(descriptor) => {
                let mut words = descriptor.splitn(3, ' ');
                let (Some(keyword), Some(name), Some(value)) = (words.next(), words.next(), words.next()) else {
                    return Err(wrong("a descriptor without three parts"));
                };
                if name != current {
                    if families.contains_key(name) {
                        return Err(wrong("the family's lines are not together"));
                    }
                    name.clone_into(&mut current);
                }
                describe(families.entry(name.to_owned()).or_default(), keyword, name, value)
                    .map_err(|what| wrong(&what))?;
            }
            None => {
                let family = families.get_mut(&current).ok_or_else(|| wrong("a sample before any descriptor"))?;
                let sample = sample(line, &current).map_err(|what| wrong(&what))?;
                family.samples.push(sample);
            }
        }
    }
    for (name, family) in &families {
        check(family).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(families)
}

fn describe(family: &mut Family, keyword: &str, name: &str, value: &str) -> Result<(), String> {
    is_name(name, ":").then_some(()).ok_or("no metric name")?;
    if !family.samples.is_empty() {
        return Err("a descriptor after samples".into());
    }
    let field = match keyword {
        "TYPE" => &mut family.kind,
        "HELP" => &mut family.help,
        "UNIT" => {
            name.ends_with(&format!("_{value}")).then_some(()).ok_or("the name does not end in the unit")?;
            &mut family.unit
        }
        _ => return Err("no such descriptor".into()),
    };
    if !field.is_empty() {
        return Err(format!("{keyword} twice"));
    }
    value.clone_into(field);
    Ok(())
}

fn sample(line: &str, family: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    let suffix = name.strip_prefix(family).ok_or("a sample of another family")?.to_owned();
    let mut labels = BTreeMap::new();
    if let Some(mut inner) = rest.strip_prefix('{') {
        while !inner.starts_with('}') {
            let (key, after) = inner.split_once("=\"").ok_or("a label without a value")?;
            is_name(key, "").then_some(()).ok_or("no label name")?;
            let (value, after) = quoted(after)?;
            if labels.insert(key.to_owned(), value).is_some() {
                return Err(format!("label {key} twice"));
            }
            inner = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &inner[1..];
    }
    let value = rest.strip_prefix(' ').ok_or("no space before the value")?;
    // Timestamps and exemplars are legal, and we have none.
    let value = match value {
        "+Inf" => f64::INFINITY,
        text if text.bytes().all(|byte| b"+-.0123456789eE".contains(&byte)) => text.parse().map_err(|_| "no number")?,
        _ => return Err("no number".into()),
    };
    Ok(Sample { suffix, labels, value })
}

/// The text up to the closing quote, escapes undone, and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                _ => return Err("no such escape".into()),
            },
            other => value.push(other),
        }
    }
    Err("a label value without an end".into())
}

fn is_name(text: &str, also: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_' || also.contains(char))
}

/// What the type asks of the samples.
fn check(family: &Family) -> Result<(), String> {
    let suffixes: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        other => return Err(format!("type '{other}'")),
    };
    if family.help.is_empty() {
        return Err("without help".into());
    }
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        if !suffixes.contains(&sample.suffix.as_str()) {
            return Err(format!("'{}' does not fit a {}", sample.suffix, family.kind));
        }
        if !seen.insert((&sample.suffix, &sample.labels)) {
            return Err(format!("{sample:?} twice"));
        }
        if family.kind != "gauge" && (sample.value < 0.0 || sample.value.is_nan()) {
            return Err(format!("{sample:?} is negative"));
        }
    }
    if family.kind == "histogram" { histogram(family) } else { Ok(()) }
}

fn histogram(family: &Family) -> Result<(), String> {
    let buckets = family.samples.iter().filter(|sample| sample.suffix == "_bucket");
    let mut last = (f64::NEG_INFINITY, 0.0);
    for bucket in buckets {
        let le = match bucket.labels.get("le").map(String::as_str) {
            Some("+Inf") => f64::INFINITY,
            Some(text) => text.parse().map_err(|_| format!("le=\"{text}\""))?,
            None => return Err("a bucket without le".into()),
        };
        if le <= last.0 || bucket.value < last.1 {
            return Err(format!("bucket le={le} is out of order or not cumulative"));
        }
        last = (le, bucket.value);
    }
    if last.0 != f64::INFINITY || last.1 != family.sum("_count") {
        return Err("the last bucket is not +Inf, or not the count".into());
    }
    Ok(())
}

#[test]
fn what_the_specification_forbids_is_found() {
    let good = "# HELP a_bytes h\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total{k=\"v\\\"w\"} 3\n# EOF\n";
    let families = parse(good).expect("valid");
    assert_eq!(families["a_bytes"].samples[0].labels["k"], "v\"w");
    for (from, to) in [
        ("# EOF\n", ""),
        ("# EOF\n", "# EOF\n\n"),
        ("# EOF", "\n# EOF"),
        ("_total", ""),
        ("_bytes bytes", "_bytes seconds"),
        (" 3", " -3"),
        (" 3", " three"),
        (" 3", "  3"),
        ("\"} 3", "\",k=\"w\"} 3"),
        ("k=", "4k="),
        ("TYPE a_bytes counter", "TYPE a_bytes unit"),
        ("# HELP a_bytes h\n", ""),
        ("# UNIT", "# UNITS"),
        ("# EOF", "a_bytes_total 4\n# HELP b h\n# TYPE b gauge\nb 1\n# HELP a_bytes h\n# EOF"),
        ("# EOF", "a_bytes_total{k=\"v\\\"w\"} 3\n# EOF"),
        (
            "# EOF",
            "# HELP h h\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# EOF",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(parse(&bad).is_err(), "this passed:\n{bad}");
    }
}
