package cos.emu;

import com.github.dockerjava.api.exception.NotFoundException;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.testcontainers.DockerClientFactory;

/** What of the container engine is there. */
final class Engine {
    static final String IMAGE = System.getenv().getOrDefault("COS_EMU_IMAGE", "cos-emu:latest");

    private Engine() {}

    /** Skips what needs an engine with the image of cos-emu where there is none, or fails, if all clients are required. */
    static void isRequired() {
        if (!DockerClientFactory.instance().isDockerAvailable()) {
            lacks("no container engine answers");
        } else if (!hasImage(IMAGE)) {
            lacks("the container engine has no image " + IMAGE);
        }
    }

    private static void lacks(String what) {
        if ("1".equals(System.getenv("COS_EMU_REQUIRE_CLIENTS"))) {
            Assertions.fail("the tests of the container are required, but " + what);
        }
        skip("the tests of the container: " + what);
    }

    static void skip(String why) {
        System.out.println("skipped: " + why);
        Assumptions.abort(why);
    }

    static boolean hasImage(String image) {
        try {
            DockerClientFactory.lazyClient().inspectImageCmd(image).exec();
            return true;
        } catch (NotFoundException absent) {
            return false;
        }
    }

    static boolean hasContainer(String id) {
        try {
            DockerClientFactory.lazyClient().inspectContainerCmd(id).exec();
            return true;
        } catch (NotFoundException gone) {
            return false;
        }
    }

    static void removeContainer(String id) {
        if (hasContainer(id)) {
            DockerClientFactory.lazyClient().removeContainerCmd(id).withForce(true).exec();
        }
    }
}
