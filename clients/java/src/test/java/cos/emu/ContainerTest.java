package cos.emu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ContainerTest extends ServerContract {
    // Of the version of Testcontainers in the pom.
    private static final String RYUK =
            System.getenv().getOrDefault("TESTCONTAINERS_RYUK_CONTAINER_IMAGE", "testcontainers/ryuk:0.14.0");

    @BeforeAll
    static void anEngineIsThere() {
        Engine.isRequired();
    }

    @Override
    CosEmuServer start(ServerOptions options) {
        CosEmuContainer container = new CosEmuContainer(options);
        container.start();
        return container;
    }

    @Test
    void anUploadSurvivesByTheAddressOfTheContainer() throws Exception {
        ServerOptions options = new ServerOptions().scenario("reset-mid-upload").bucket(Sdk.BUCKET);
        try (CosEmuContainer container = new CosEmuContainer(options)) {
            container.start();
            assertUploadSurvives(container, container.containerEndpoint());
        }
    }

    @Test
    void theContainerIsGoneAfterStop() {
        CosEmuContainer container = new CosEmuContainer(new ServerOptions());
        container.start();
        String id = container.getContainerId();
        assertTrue(Engine.hasContainer(id));

        container.stop();

        assertFalse(Engine.hasContainer(id));
        container.stop();
    }

    @Test
    void withRyukTheContainerGoesWithTheJvm() throws Exception {
        if (!Engine.hasImage(RYUK)) {
            Engine.skip("the test with Ryuk on: its image " + RYUK + " is not here, and cannot be pulled by a test");
        }
        ProcessBuilder jvm = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"), LeftBehind.class.getName());
        jvm.environment().remove("TESTCONTAINERS_RYUK_DISABLED");
        // Not every engine may give privileges, and Ryuk needs none for a socket that root may use.
        jvm.environment().put("TESTCONTAINERS_RYUK_CONTAINER_PRIVILEGED", "false");
        Process left = jvm.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String id;
        try (BufferedReader printed = left.inputReader()) {
            id = printed.readLine();
        }
        assertEquals(0, left.waitFor());

        try {
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (Engine.hasContainer(id) && System.nanoTime() < end) {
                Thread.sleep(200);
            }
            assertFalse(Engine.hasContainer(id));
        } finally {
            Engine.removeContainer(id);
        }
    }

    /** A program that starts a container, prints its id and leaves without stopping it. */
    static final class LeftBehind {
        private LeftBehind() {}

        public static void main(String[] arguments) {
            CosEmuContainer container = new CosEmuContainer(new ServerOptions());
            container.start();
            System.out.println(container.getContainerId());
            System.exit(0);
        }
    }
}
