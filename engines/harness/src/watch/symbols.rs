//! Names for addresses, inlined calls included, from the programs' debug information or symbol tables.

use std::collections::HashMap;

use addr2line::Loader;

use super::stacks::Module;

/// A function that was running.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Function {
    pub(super) name: String,
    /// Empty if unknown.
    pub(super) file: String,
    /// 0 if unknown.
    pub(super) line: u64,
}

/// Looks addresses up, each once.
pub(super) struct Symbols<'a> {
    modules: &'a [Module],
    loaders: Vec<Option<Loader>>,
    known: HashMap<u64, Vec<Function>>,
}

impl<'a> Symbols<'a> {
    pub(super) fn new(modules: &'a [Module]) -> Self {
        let loaders = modules.iter().map(|module| Loader::new(&module.file).ok()).collect();
        Self { modules, loaders, known: HashMap::new() }
    }

    /// The functions at `address`, the innermost inlined one first; never empty.
    pub(super) fn at(&mut self, address: u64) -> &[Function] {
        if !self.known.contains_key(&address) {
            let functions = self.look_up(address);
            self.known.insert(address, functions);
        }
        &self.known[&address]
    }

    /// The place of the module with `address` in the list.
    pub(super) fn module(&self, address: u64) -> Option<usize> {
        self.modules.iter().position(|module| module.range.contains(&address))
    }

    fn look_up(&self, address: u64) -> Vec<Function> {
        let unknown = |name: &str| vec![Function { name: format!("[{name}]"), file: String::new(), line: 0 }];
        let Some(index) = self.module(address) else { return unknown("unknown") };
        let module = &self.modules[index];
        let Some(loader) = &self.loaders[index] else { return unknown(&module.name) };
        let in_file = address.wrapping_sub(module.bias);
        let mut functions = Vec::new();
        if let Ok(mut frames) = loader.find_frames(in_file) {
            while let Ok(Some(frame)) = frames.next() {
                let Some(name) = frame.function.and_then(|name| Some(name.demangle().ok()?.into_owned())) else {
                    continue;
                };
                let place = frame.location.as_ref();
                let file = place.and_then(|place| place.file).unwrap_or_default().to_owned();
                functions.push(Function { name, file, line: place.and_then(|place| place.line).unwrap_or(0).into() });
            }
        }
        if functions.is_empty() {
            functions = unknown(&module.name);
        }
        // Sparse debug information has the last part of a name only; the symbol table has the path. It knows the
        // function that the others were inlined into.
        if let (Some(symbol), Some(outermost)) = (loader.find_symbol(in_file), functions.last_mut()) {
            outermost.name = addr2line::demangle_auto(symbol.into(), None).into_owned();
        }
        functions
    }
}
