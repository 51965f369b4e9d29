//! Room on the native stack for recursion whose depth the input decides.
//!
//! Every recursion of this crate is bounded by a count of its own; this makes sure that the count is reached
//! before the thread's stack ends, on any thread, whatever its size. The room is returned when the call ends.

/// What must be left before a call: enough for a function of the host that does not recurse.
const RED_ZONE_BYTES: usize = 256 << 10;

/// How much is added when less is left.
const SEGMENT_BYTES: usize = 4 << 20;

pub(crate) fn with_room<R>(call: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, call)
}
