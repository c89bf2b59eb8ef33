/**
 * Starts cos-emu, which emulates Tencent COS and CAS with faults, as a process or a container, and steers it.
 *
 * <p>{@link cos.emu.CosEmuProcess} and {@link cos.emu.CosEmuContainer} start a server, {@link cos.emu.Client} speaks to one
 * that runs, {@link cos.emu.CosEmu} gives each JUnit test a {@link cos.emu.World} of its own. Whatever goes wrong between here
 * and the server is a {@link cos.emu.CosEmuException}.
 */
package cos.emu;
