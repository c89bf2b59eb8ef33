package cos.emu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A server as a process, on a free port of 127.0.0.1.
 *
 * <p>The binary is the one that is given, else that of the environment variable {@code COS_EMU_BINARY}, else {@code cos-emu}
 * of the {@code PATH}. What the environment says of cos-emu and of proxies does not reach it. It ends with the JVM at the
 * latest.
 */
public final class CosEmuProcess implements CosEmuServer {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Set<String> PROXIES = Set.of("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY");

    private final String binary;
    private final Path folder;
    private final Process process;
    private final Client client;

    private CosEmuProcess(String binary, ServerOptions options) {
        this.binary = binary;
        try {
            folder = Files.createTempDirectory("cos-emu");
            // For whoever never stops it; the folder goes last.
            Stream.of(folder, readyFile(), errorFile()).forEach(path -> path.toFile().deleteOnExit());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        try {
            process = launch(options.environment());
        } catch (CosEmuException error) {
            clear();
            throw error;
        }
        try {
            client = new Client(awaitUrl(), options.controlToken());
            client.waitUntilReady(PATIENCE);
        } catch (RuntimeException error) {
            stop();
            throw error;
        }
    }

    /**
     * Starts a server and waits until it serves.
     *
     * @throws CosEmuException when it does not start; the message holds what it printed to standard error
     */
    public static CosEmuProcess start(ServerOptions options) {
        return new CosEmuProcess(System.getenv().getOrDefault("COS_EMU_BINARY", "cos-emu"), options);
    }

    /**
     * Starts a server with this binary, and waits until it serves.
     *
     * @throws CosEmuException when it does not start; the message holds what it printed to standard error
     */
    public static CosEmuProcess start(Path binary, ServerOptions options) {
        return new CosEmuProcess(binary.toString(), options);
    }

    private Process launch(Map<String, String> environment) {
        ProcessBuilder builder = new ProcessBuilder(
                binary, "--listen", "127.0.0.1:0", "--exit-with-parent", "--ready-file", readyFile().toString());
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(errorFile().toFile());
        return started(builder, environment);
    }

    private Process started(ProcessBuilder builder, Map<String, String> environment) {
        builder.environment().keySet().removeIf(name ->
                name.startsWith("COS_EMU_") || PROXIES.contains(name.toUpperCase(Locale.ROOT)));
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException error) {
            String advice = "COS_EMU_BINARY may name the binary of cos-emu";
            throw new CosEmuException("\"" + binary + "\" cannot be run; " + advice + ": " + error.getMessage(), error);
        }
    }

    /** The ready file has the URL, and is there once the server is. */
    private URI awaitUrl() {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            boolean alive = process.isAlive();
            String written = Files.exists(readyFile()) ? Client.textOf(readyFile()) : "";
            if (written.endsWith("\n")) {
                return URI.create(written.strip());
            }
            if (!alive) {
                throw new CosEmuException("cos-emu ended with " + process.exitValue() + ": " + printed());
            }
            if (System.nanoTime() > end) {
                throw new CosEmuException("cos-emu is not ready after " + PATIENCE.toSeconds() + " s: " + printed());
            }
            Client.pause();
        }
    }

    private Path readyFile() {
        return folder.resolve("ready");
    }

    private Path errorFile() {
        return folder.resolve("stderr");
    }

    private String printed() {
        return Client.textOf(errorFile()).strip();
    }

    @Override
    public URI endpoint() {
        return client.url();
    }

    @Override
    public Client client() {
        return client;
    }

    /** The id of the process. */
    public long pid() {
        return process.pid();
    }

    @Override
    public String shippedScenario(String name) {
        Process told = started(new ProcessBuilder(binary, "scenarios", name).redirectErrorStream(true), Map.of());
        try {
            String text = new String(told.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (told.waitFor() != 0) {
                throw new CosEmuException("cos-emu scenarios " + name + " failed: " + text.strip());
            }
            return text;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (InterruptedException interrupted) {
            throw Client.interrupted("cos-emu scenarios " + name, interrupted);
        }
    }

    /** Asks the server to end and waits for that, for ten seconds at most: then it is ended by force. */
    @Override
    public void stop() {
        process.destroy();
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        clear();
    }

    private void clear() {
        try {
            Files.deleteIfExists(readyFile());
            Files.deleteIfExists(errorFile());
            Files.deleteIfExists(folder);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
