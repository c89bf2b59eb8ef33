//! Emulates Tencent Cloud COS and CAS.
mod cas;
mod chance;
mod clock;
mod code;
mod content;
mod cos;
mod digest;
mod message;
mod operation;
mod scenario;
mod signature;
mod store;
