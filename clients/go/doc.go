// Package cosemu starts cos-emu, the emulator of Tencent Cloud COS and CAS that breaks uploads and downloads exactly as
// a scenario says, and talks to its control API. It needs nothing but the standard library.
//
// [Start] runs the binary on a free port; package container, a module of its own, runs the image. Both embed a
// [Client], which reaches a server that was started by other means as well ([NewClient]). A server has worlds: each has
// the rules, counters, clock, journal, buckets and vaults of one scenario, and shares nothing with the others. A
// [World] is asked for what came ([World.Journal]), how often each rule fired ([World.Counts]), and whether the client
// coped ([World.Verdict]). Package cosemutest gives each test a world of its own.
//
// Errors are wrapped: [ProblemError] is what the control API refuses a request with, [UnexpectedError] an answer that is
// none of its own, and [ErrTimeout] says that time ran out.
package cosemu
