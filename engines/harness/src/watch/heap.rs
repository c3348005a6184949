//! `/debug/pprof/heap`: what is allocated, by size class. The counted allocator knows sizes exactly and callers not
//! at all: to find out who asked would cost every allocation a walk up a stack, which may be a coroutine's of 8 KiB.

use super::http::{Request, Response};
use super::pprof::Builder;
use super::symbols::Function;
use crate::allocator::{self, SizeClass};

/// Sizes are counted from now on. What was allocated before, at the start of the process, is not in the profile.
pub(super) fn start_counting() {
    allocator::count_sizes();
}

pub(super) fn answer(request: &Request) -> Response {
    if let Some((name, _)) = request.query.first() {
        return Response::error("400 Bad Request", format!("{name}: nothing can be given here"));
    }
    Response::ok("application/octet-stream", pprof(&allocator::size_classes()))
        .header("Content-Disposition", "attachment; filename=\"heap.pb.gz\"")
}

/// The sample types are Go's, so that its tools show what is in use first.
fn pprof(classes: &[SizeClass]) -> Vec<u8> {
    let mut builder = Builder::new(&[
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ]);
    builder.period(("space", "bytes"), 1);
    builder.comment("exact, by size class: the allocator does not know its callers");
    for (index, class) in classes.iter().enumerate().filter(|(_, class)| class.taken > 0) {
        let name = format!("{} to {} bytes", class.bytes.start(), class.bytes.end());
        let location = builder.location(index as u64 + 1, None, &[Function { name, file: String::new(), line: 0 }]);
        let live = class.taken.saturating_sub(class.given);
        let live_bytes = class.taken_bytes.saturating_sub(class.given_bytes);
        builder.sample(&[location], &[class.taken, class.taken_bytes, live, live_bytes], None);
    }
    builder.finish()
}
