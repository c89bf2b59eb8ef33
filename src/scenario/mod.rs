//! Which request gets which fault.
mod json;
mod engine;
mod file;
mod problem;
mod rule;
mod value;
