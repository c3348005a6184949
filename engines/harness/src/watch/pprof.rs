//! Profiles in pprof's format: a gzipped protocol buffer, as `profile.proto` of github.com/google/pprof defines it.

use std::collections::HashMap;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::stacks::Module;
use super::symbols::Function;

/// A profile in the making. Identifiers count from 1, as the format wants them.
pub(super) struct Builder {
    out: Message,
    strings: HashMap<String, u64>,
    functions: HashMap<(u64, u64), u64>,
    locations: HashMap<(u64, Vec<(u64, u64)>), u64>,
}

impl Builder {
    /// A profile whose samples have a value of each of `types`: a name and a unit.
    pub(super) fn new(types: &[(&str, &str)]) -> Self {
        let mut builder = Self {
            out: Message::default(),
            strings: HashMap::new(),
            functions: HashMap::new(),
            locations: HashMap::new(),
        };
        // The first string is empty by definition.
        builder.string("");
        for value_type in types {
            let message = builder.value_type(*value_type);
            builder.out.message(1, &message);
        }
        builder
    }

    /// When it began and how long it took, both in nanoseconds.
    pub(super) fn times(&mut self, began_ns: u64, duration_ns: u64) {
        self.out.number(9, began_ns);
        self.out.number(10, duration_ns);
    }

    /// What passes between two samples.
    pub(super) fn period(&mut self, value_type: (&str, &str), period: u64) {
        let message = self.value_type(value_type);
        self.out.message(11, &message);
        self.out.number(12, period);
    }

    /// A remark for the reader.
    pub(super) fn comment(&mut self, text: &str) {
        let text = self.string(text);
        self.out.number(13, text);
    }

    /// The programs that addresses lie in; the first is the main one.
    pub(super) fn modules(&mut self, modules: &[Module]) {
        for (index, module) in modules.iter().enumerate() {
            let name = self.string(&module.name);
            let mut message = Message::default();
            for (field, value) in [(1, index as u64 + 1), (2, module.range.start), (3, module.range.end), (5, name)] {
                message.number(field, value);
            }
            // Function names, file names, line numbers and inlined frames are all in here already.
            (7..=10).for_each(|field| message.number(field, 1));
            self.out.message(3, &message);
        }
    }

    /// A place in the program: `module` is an index into those given, and the innermost inlined function comes first.
    pub(super) fn location(&mut self, address: u64, module: Option<usize>, functions: &[Function]) -> u64 {
        let lines: Vec<(u64, u64)> =
            functions.iter().map(|function| (self.function(function), function.line)).collect();
        let next = self.locations.len() as u64 + 1;
        let id = *self.locations.entry((address, lines.clone())).or_insert(next);
        if id == next {
            let mut message = Message::default();
            message.number(1, id);
            message.number(2, module.map_or(0, |index| index as u64 + 1));
            message.number(3, address);
            for (function, line) in lines {
                let mut nested = Message::default();
                nested.number(1, function);
                nested.number(2, line);
                message.message(4, &nested);
            }
            self.out.message(4, &message);
        }
        id
    }

    /// A sample: its locations, the innermost first, and a value of each type.
    pub(super) fn sample(&mut self, locations: &[u64], values: &[u64], label: Option<(&str, &str)>) {
        let mut message = Message::default();
        message.numbers(1, locations);
        message.numbers(2, values);
        if let Some((key, value)) = label {
            let mut nested = Message::default();
            nested.number(1, self.string(key));
            nested.number(2, self.string(value));
            message.message(3, &nested);
        }
        self.out.message(2, &message);
    }

    /// The file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let mut strings: Vec<(String, u64)> = self.strings.into_iter().collect();
        strings.sort_by_key(|(_, index)| *index);
        for (text, _) in strings {
            self.out.bytes(6, text.as_bytes());
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.out.0).and_then(|()| gzip.finish()).expect("memory takes it")
    }

    fn function(&mut self, function: &Function) -> u64 {
        let (name, file) = (self.string(&function.name), self.string(&function.file));
        let next = self.functions.len() as u64 + 1;
        let id = *self.functions.entry((name, file)).or_insert(next);
        if id == next {
            let mut message = Message::default();
            for (field, value) in [(1, id), (2, name), (3, name), (4, file)] {
                message.number(field, value);
            }
            self.out.message(5, &message);
        }
        id
    }

    fn value_type(&mut self, (name, unit): (&str, &str)) -> Message {
        let mut message = Message::default();
        message.number(1, self.string(name));
        message.number(2, self.string(unit));
        message
    }

    fn string(&mut self, text: &str) -> u64 {
        let next = self.strings.len() as u64;
        *self.strings.entry(text.to_owned()).or_insert(next)
    }
}

/// A protocol-buffer message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn numbers(&mut self, field: u64, values: &[u64]) {
        let mut packed = Self::default();
        values.iter().for_each(|value| packed.varint(*value));
        self.message(field, &packed);
    }

    fn message(&mut self, field: u64, message: &Self) {
        self.bytes(field, &message.0);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn numbers_have_seven_bits_a_byte() {
        let mut message = Message::default();
        message.number(1, 300);
        message.numbers(2, &[1, 128]);
        assert_eq!(message.0, [0x08, 0xAC, 0x02, 0x12, 3, 1, 0x80, 1]);
    }

    #[test]
    fn what_is_alike_is_written_once() {
        let mut builder = Builder::new(&[("samples", "count")]);
        let function = Function { name: "f".into(), file: "f.rs".into(), line: 7 };
        let first = builder.location(16, None, std::slice::from_ref(&function));
        assert_eq!(builder.location(16, None, std::slice::from_ref(&function)), first);
        assert_ne!(builder.location(17, None, &[function]), first);
        builder.sample(&[first], &[1], Some(("thread", "worker-0")));
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&*builder.finish()).read_to_end(&mut bytes).expect("gzip");
        let texts = ["samples", "count", "f.rs", "worker-0"];
        for text in texts {
            assert_eq!(bytes.windows(text.len()).filter(|part| *part == text.as_bytes()).count(), 1, "{text}");
        }
    }
}
