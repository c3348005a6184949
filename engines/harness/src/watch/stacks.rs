//! Return addresses out of registers and a copied stack, by the unwind tables of the programs that are loaded.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, Unwinder};
use object::{Object, ObjectSection, ObjectSegment, SegmentFlags};

use super::perf::Snapshot;

/// Deeper stacks are cut at the bottom.
const FRAMES_MAX: usize = 128;

/// A program or library that is loaded into this process.
#[derive(Debug)]
pub(super) struct Module {
    /// What it is called.
    pub(super) name: String,
    /// Where it can be read, also if another file has taken its name meanwhile.
    pub(super) file: PathBuf,
    /// Where its code lies.
    pub(super) range: Range<u64>,
    /// An address in memory minus the address in the file.
    pub(super) bias: u64,
}

/// Unwinds stacks of this process.
pub(super) struct Stacks {
    pub(super) modules: Vec<Module>,
    unwinder: UnwinderX86_64<Vec<u8>>,
    cache: CacheX86_64,
}

impl Stacks {
    /// Reads the unwind tables of everything that is loaded now.
    pub(super) fn new() -> std::io::Result<Self> {
        let exe = fs::read_link("/proc/self/exe")?;
        let mut stacks = Self { modules: Vec::new(), unwinder: UnwinderX86_64::new(), cache: CacheX86_64::new() };
        for line in fs::read_to_string("/proc/self/maps")?.lines() {
            if let Some(mapping) = Mapping::parse(line) {
                let file = if mapping.path == exe { "/proc/self/exe".into() } else { mapping.path.clone() };
                // What cannot be read is unwound by frame pointers, and not named.
                let _ = stacks.add(&mapping, file);
            }
        }
        Ok(stacks)
    }

    fn add(&mut self, mapping: &Mapping, file: PathBuf) -> Option<()> {
        let bytes = fs::read(&file).ok()?;
        let object = object::File::parse(&*bytes).ok()?;
        let code = |segment: &object::Segment<'_, '_>| {
            let SegmentFlags::Elf { p_flags, .. } = segment.flags() else { return false };
            let (offset, bytes) = segment.file_range();
            p_flags.contains(object::elf::PF_X)
                && offset < mapping.offset + mapping.bytes()
                && mapping.offset < offset + bytes
        };
        let segment = object.segments().find(code)?;
        // The mapping begins at a page, and the segment at or behind it, by as much in memory as in the file.
        let in_file = segment.address().wrapping_sub(segment.file_range().0);
        let bias = mapping.range.start.wrapping_sub(mapping.offset).wrapping_sub(in_file);
        let span = |name: &str| {
            object.section_by_name(name).map(|section| section.address()..section.address() + section.size())
        };
        let data = |name: &str| object.section_by_name(name).and_then(|section| Some(section.data().ok()?.to_vec()));
        let sections = ExplicitModuleSectionInfo {
            base_svma: 0,
            text_svma: span(".text"),
            text: data(".text"),
            got_svma: span(".got"),
            eh_frame_svma: span(".eh_frame"),
            eh_frame: data(".eh_frame"),
            eh_frame_hdr_svma: span(".eh_frame_hdr"),
            eh_frame_hdr: data(".eh_frame_hdr"),
            ..Default::default()
        };
        let name = mapping.path.to_string_lossy().into_owned();
        self.unwinder.add_module(framehop::Module::new(name.clone(), mapping.range.clone(), bias, sections));
        self.modules.push(Module { name, file, range: mapping.range.clone(), bias });
        Some(())
    }

    /// Addresses in the functions that were running, the innermost first.
    pub(super) fn unwind(&mut self, sample: &Snapshot<'_>, into: &mut Vec<u64>) {
        let mut read = |address: u64| {
            let offset = address.checked_sub(sample.sp).ok_or(())? as usize;
            let bytes = sample.stack.get(offset..offset.checked_add(8).ok_or(())?).ok_or(())?;
            Ok(u64::from_ne_bytes(bytes.try_into().expect("8 bytes")))
        };
        let registers = UnwindRegsX86_64::new(sample.ip, sample.sp, sample.bp);
        let mut frames = self.unwinder.iter_frames(sample.ip, registers, &mut self.cache, &mut read);
        // An error is the end, too: of what was copied, or of what the tables know.
        while let Ok(Some(frame)) = frames.next() {
            into.push(frame.address_for_lookup());
            if into.len() >= FRAMES_MAX {
                return;
            }
        }
    }
}

/// A line of `/proc/self/maps` with code of a file.
struct Mapping {
    range: Range<u64>,
    offset: u64,
    path: PathBuf,
}

impl Mapping {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let executable = words.next()?.contains('x');
        let offset = words.next()?;
        let path = words.nth(2)?;
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let mapping = Self { range: hex(start)?..hex(end)?, offset: hex(offset)?, path: path.into() };
        (executable && path.starts_with('/')).then_some(mapping)
    }

    fn bytes(&self) -> u64 {
        self.range.end - self.range.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_a_module() {
        let line = "7f00a000-7f00c000 r-xp 00002000 fe:00 123   /usr/lib/libc.so.6";
        let mapping = Mapping::parse(line).expect("code");
        assert_eq!((mapping.range.clone(), mapping.offset), (0x7f00_a000..0x7f00_c000, 0x2000));
        assert_eq!(mapping.bytes(), 0x2000);
        for other in
            ["7f00a000-7f00c000 rw-p 00000000 fe:00 123 /usr/lib/libc.so.6", "7ffd0-7ffe0 r-xp 0 00:00 0 [vdso]", ""]
        {
            assert!(Mapping::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn this_very_program_is_found() {
        let stacks = Stacks::new().expect("/proc is there");
        let here = only_code_of_files_is_a_module as fn() as usize as u64;
        let module = stacks.modules.iter().find(|module| module.range.contains(&here)).expect("it is loaded");
        assert_eq!(module.file.to_str(), Some("/proc/self/exe"));
    }
}
