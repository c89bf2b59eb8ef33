package cos.emu;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A scenario that is active on a server, with rules, counters, clock, journal, buckets and vaults of its own.
 *
 * <p>A request belongs to it when it carries {@link #header()} or is signed with {@link #accessKey()}. Closing a world deletes
 * it, and leaves the default world alone, which ends with the server.
 */
public final class World implements AutoCloseable {
    /** The id of the world that the server started with. */
    static final String DEFAULT = "default";

    private final Client client;
    private final Made made;
    private volatile boolean deleted;

    World(Client client, Made made) {
        this.client = client;
        this.made = made;
    }

    /** Its id, which is {@code default} for the world that the server started with. */
    public String id() {
        return made.id;
    }

    /** The name of its scenario. */
    public String name() {
        return made.name;
    }

    /** The seed of all chance in it, as hex with {@code 0x} in front. */
    public String seed() {
        return made.seed;
    }

    /**
     * Where to send requests: the URL of the server, or of a port of its own when the scenario claims one (which a container
     * does not publish).
     */
    public URI endpoint() {
        return made.endpoint;
    }

    /** The header that leads a request here. */
    public Header header() {
        return made.header;
    }

    /**
     * The access key pair that was made for this world alone; a request that is signed with it is led here. Empty when the
     * scenario claims one, and when this world was looked up and not made: the server tells the pair once.
     */
    public Optional<AccessKey> accessKey() {
        return Optional.ofNullable(made.client);
    }

    /** The client that this world was got from. */
    public Client client() {
        return client;
    }

    /** The exchanges of this world, oldest first. */
    public List<Exchange> journal() {
        return journal(JournalQuery.all());
    }

    /** Those exchanges of this world that a query asks for, oldest first. */
    public List<Exchange> journal(JournalQuery query) {
        return page(query, Duration.ZERO);
    }

    /**
     * Waits until so many exchanges are in the journal, and gives all that the query asks for, which may be more. An exchange
     * is there when its head has arrived, so the answer may be to come.
     *
     * @param timeout how long to wait, at most 5 minutes
     * @throws CosEmuException when fewer came in that time; the message has their number
     */
    public List<Exchange> waitFor(int count, JournalQuery query, Duration timeout) {
        JournalQuery waiting = query.with("wait", Integer.toString(count)).with("timeout", timeout.toMillis() + "ms");
        List<Exchange> came = page(waiting, timeout);
        if (came.size() < count) {
            throw new CosEmuException("waited for " + count + " exchanges (" + query + "), but " + came.size() + " came within "
                    + timeout.toMillis() + " ms");
        }
        return came;
    }

    /** How often each rule matched and fired. */
    public Counts counts() {
        return Json.read(client.get(path("")), Counts.class);
    }

    /** Judges what happened so far. A verdict that does not hold is a verdict too. */
    public Verdict verdict() {
        return Json.read(client.askAlso(409, "POST", path("/verdict")), Verdict.class);
    }

    /** Puts everything back to the start, with the same seed: objects, counters, clock and an empty journal. */
    public void reset() {
        client.ask("POST", path("/reset"), null);
    }

    /** Its clock. */
    public WorldClock clock() {
        return new WorldClock(client, path("/clock"));
    }

    /**
     * Ends this world, and judges what happened in it.
     *
     * @throws ProblemException for the default world, which ends with the server, and when it is gone already
     */
    public Verdict delete() {
        Verdict verdict = Json.read(client.ask("DELETE", path(""), null), Verdict.class);
        deleted = true;
        return verdict;
    }

    /** Deletes this world if that did not happen yet; the default world stays as it is. */
    @Override
    public void close() {
        if (!deleted && !id().equals(DEFAULT)) {
            delete();
        }
    }

    @Override
    public String toString() {
        return "world " + id() + " \"" + name() + "\"";
    }

    private List<Exchange> page(JournalQuery query, Duration held) {
        Page page = Json.read(client.getHeld(path("/journal?" + query), held), Page.class);
        return page.exchanges.stream().map(Json::exchange).toList();
    }

    private String path(String rest) {
        return Client.SCENARIOS + "/" + id() + rest;
    }

    /**
     * A header that leads a request to a world.
     *
     * @param name its name
     * @param value its value
     */
    public record Header(String name, String value) {}

    /**
     * An access key pair.
     *
     * @param id the public half, the {@code SecretId} of the SDKs
     * @param key the secret half, the {@code SecretKey} of the SDKs
     */
    public record AccessKey(String id, String key) {}

    /** What the server says of a world that it made. */
    record Made(String id, String name, String seed, URI endpoint, Header header, AccessKey client) {
        /** The same for a world that is there already. */
        Made at(URI url) {
            return new Made(id, name, seed, url, new Header("x-emu-scenario", id), null);
        }
    }

    private record Page(List<JsonNode> exchanges) {}
}
