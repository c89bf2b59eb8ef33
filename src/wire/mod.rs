//! From a reply and the actions on it to a script of bytes, pauses and endings. Pure: the shell plays scripts.
//!
//! Honest replies do not come here, hyper writes them; but both take their header lines from `head::lines`, so an
//! undisturbed reply and a disturbed one look alike.

pub mod head;
pub mod reshape;
pub mod script;
