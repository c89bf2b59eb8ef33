package cos.emu;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * The clock of a world. Jobs, open uploads, tokens and signatures follow at once when it is set. It counts in milliseconds;
 * what is finer is cut off. Each method answers with what the clock then says.
 */
public final class WorldClock {
    private final Client client;
    private final String path;

    WorldClock(Client client, String path) {
        this.client = client;
        this.path = path;
    }

    /** Reads it. */
    public Reading read() {
        return Json.read(client.get(path), Told.class).reading();
    }

    /** Makes it stand still at this instant. */
    public Reading freeze(Instant at) {
        return set(Json.object().put("freeze", at.truncatedTo(ChronoUnit.MILLIS).toString()));
    }

    /**
     * Puts it forward, whether it runs or stands still.
     *
     * @throws ProblemException when the duration is negative
     */
    public Reading advance(Duration by) {
        return set(Json.object().put("advance", by.toMillis() + "ms"));
    }

    /** Lets it run so much ahead of real time, or behind it when the duration is negative. */
    public Reading skew(Duration ahead) {
        return set(Json.object().put("skew", (ahead.isNegative() ? "" : "+") + ahead.toMillis() + "ms"));
    }

    /** Lets it run on from where it stands. */
    public Reading run() {
        return set(Json.object().put("run", true));
    }

    private Reading set(ObjectNode order) {
        return Json.read(client.ask("PUT", path, order.toString()), Told.class).reading();
    }

    /**
     * What a clock says.
     *
     * @param now its time
     * @param running whether it runs; otherwise it stands still
     * @param skew how far it is ahead of real time, negative when behind; zero when it stands still
     */
    public record Reading(Instant now, boolean running, Duration skew) {}

    private record Told(String now, boolean run, long skewMs) {
        Reading reading() {
            return new Reading(Instant.parse(now), run, Duration.ofMillis(skewMs));
        }
    }
}
