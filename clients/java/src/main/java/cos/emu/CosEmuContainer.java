package cos.emu;

import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.model.ContainerNetwork;
import java.io.IOException;
import java.net.URI;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.output.OutputFrame.OutputType;
import org.testcontainers.containers.wait.strategy.AbstractWaitStrategy;
import org.testcontainers.utility.DockerImageName;

/**
 * A server as a container of Testcontainers.
 *
 * <p>The image is the one that is given, else that of the environment variable {@code COS_EMU_IMAGE}, else
 * {@code cos-emu:latest}.
 */
public class CosEmuContainer extends GenericContainer<CosEmuContainer> implements CosEmuServer {
    /** The port of the server in the container; another one is published. */
    public static final int PORT = 3077;

    private final ServerOptions options;
    private boolean starting;
    private String lastWords = "";

    /** A container that serves what the options say. */
    public CosEmuContainer(ServerOptions options) {
        this(DockerImageName.parse(System.getenv().getOrDefault("COS_EMU_IMAGE", "cos-emu:latest")), options);
    }

    /** A container of this image that serves what the options say. */
    public CosEmuContainer(DockerImageName image, ServerOptions options) {
        super(image);
        this.options = options;
        addExposedPort(PORT);
        setWaitStrategy(new Ready());
        options.environmentWithoutFiles().forEach(this::addEnv);
    }

    /**
     * Starts the container and waits until it serves.
     *
     * @throws ContainerLaunchException when it does not start; the message holds what it printed to standard error
     */
    @Override
    public void start() {
        starting = true;
        try {
            super.start();
        } catch (ContainerLaunchException error) {
            String why = lastWords.isEmpty() ? error.getMessage() : lastWords;
            throw new ContainerLaunchException("cos-emu does not start: " + why, error);
        } finally {
            starting = false;
        }
    }

    /** A start that fails stops the container, and what it printed goes with it. */
    @Override
    protected void containerIsStopping(InspectContainerResponse container) {
        if (starting) {
            lastWords = getLogs(OutputType.STDERR).strip();
        }
    }

    /** The control API answers to names with a dot only when it is told to, and the engine may be at one. */
    @Override
    protected void configure() {
        getEnvMap().merge("COS_EMU_CONTROL_HOST", getHost(), (told, host) -> told + "," + host);
    }

    /**
     * The URL of the published port. Behind the loopback address a reset of the server arrives as a FIN, because the engine's
     * proxy takes the connection; see {@link #containerEndpoint()}.
     */
    @Override
    public URI endpoint() {
        return URI.create("http://" + getHost() + ":" + getMappedPort(PORT));
    }

    /**
     * The URL of the container's own address, by which a reset stays an RST. It leads there only from the machine of an engine
     * for Linux, and from other containers of the same network.
     */
    public URI containerEndpoint() {
        ContainerNetwork first = getCurrentContainerInfo().getNetworkSettings().getNetworks().values().iterator().next();
        return URI.create("http://" + first.getIpAddress() + ":" + PORT);
    }

    @Override
    public Client client() {
        return new Client(endpoint(), options.controlToken());
    }

    @Override
    public String shippedScenario(String name) {
        try {
            ExecResult told = execInContainer("/cos-emu", "scenarios", name);
            if (told.getExitCode() != 0) {
                throw new CosEmuException("cos-emu scenarios " + name + " failed: " + told.getStderr().strip());
            }
            return told.getStdout();
        } catch (IOException error) {
            throw new CosEmuException("cos-emu scenarios " + name + " cannot be run", error);
        } catch (InterruptedException interrupted) {
            throw Client.interrupted("cos-emu scenarios " + name, interrupted);
        }
    }

    @Override
    public void close() {
        stop();
    }

    /** Until the server answers that it serves. Unlike the strategy for HTTP it sees when the container is at its end. */
    private final class Ready extends AbstractWaitStrategy {
        @Override
        protected void waitUntilReady() {
            long end = System.nanoTime() + startupTimeout.toNanos();
            while (!client().ready()) {
                if (!waitStrategyTarget.isRunning() || System.nanoTime() > end) {
                    throw new ContainerLaunchException("the server does not answer");
                }
                Client.pause();
            }
        }
    }
}
