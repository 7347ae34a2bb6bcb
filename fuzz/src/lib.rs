//! What every fuzz target needs.
//!
//! Where a decoder of somebody else panics on hostile bytes, ours contains it and refuses the file: that is no finding. libFuzzer's hook would
//! end the process at the panic itself, so the hook only tells of broken promises, and a panic that is not contained still ends the run.

/// Lets panics that are contained go by.
pub fn contained() {
    std::panic::set_hook(Box::new(|fault| {
        if fault
            .location()
            .is_some_and(|at| at.file().contains("decoders"))
        {
            eprintln!("{fault}");
        }
    }));
}
