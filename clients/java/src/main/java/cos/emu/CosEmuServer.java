package cos.emu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A server that was started from here, whether as a process or as a container. The methods about a world mean the default one.
 */
public interface CosEmuServer extends AutoCloseable {
    /** The URL to point an SDK at. */
    URI endpoint();

    /** A client of its control API. */
    Client client();

    /**
     * The text of a shipped scenario, fit for {@link #create(String)}.
     *
     * @throws CosEmuException when there is none of that name
     */
    String shippedScenario(String name);

    /** Stops the server; does nothing when it is stopped already. */
    void stop();

    /** The same as {@link #stop()}. */
    @Override
    default void close() {
        stop();
    }

    /** The URL to use as proxy for http and https: the same, since the server sees then which host was meant. */
    default URI proxy() {
        return endpoint();
    }

    /** The certificate of the CA that signs for TLS, as PEM. */
    default String ca() {
        return client().ca();
    }

    /** A new file with that certificate, which is deleted when the JVM ends. */
    default Path caFile() {
        try {
            Path file = Files.createTempFile("cos-emu-ca", ".pem");
            file.toFile().deleteOnExit();
            return Files.writeString(file, ca());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** The world that the server started with. */
    default World defaultWorld() {
        return client().defaultWorld();
    }

    /** See {@link Client#create(String)}. */
    default World create(String scenario) {
        return client().create(scenario);
    }

    /** See {@link Client#create(Path)}. */
    default World create(Path scenario) {
        return client().create(scenario);
    }

    /** See {@link World#journal()}. */
    default List<Exchange> journal() {
        return defaultWorld().journal();
    }

    /** See {@link World#journal(JournalQuery)}. */
    default List<Exchange> journal(JournalQuery query) {
        return defaultWorld().journal(query);
    }

    /** See {@link World#waitFor}. */
    default List<Exchange> waitFor(int count, JournalQuery query, Duration timeout) {
        return defaultWorld().waitFor(count, query, timeout);
    }

    /** See {@link World#counts()}. */
    default Counts counts() {
        return defaultWorld().counts();
    }

    /** See {@link World#verdict()}. */
    default Verdict verdict() {
        return defaultWorld().verdict();
    }

    /** See {@link World#reset()}. */
    default void reset() {
        defaultWorld().reset();
    }
}
