package cos.emu;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a server is started with, as a process or as a container. Nothing is checked here: what is wrong makes the server
 * refuse to start, and its words are in the exception of the start.
 */
public final class ServerOptions {
    private static final String SCENARIO = "COS_EMU_SCENARIO";
    private static final String SCENARIO_JSON = "COS_EMU_SCENARIO_JSON";
    /** How the server is found and ended is for those to say who start it. */
    private static final Set<String> TAKEN =
            Set.of("COS_EMU_LISTEN", "COS_EMU_CONTROL_LISTEN", "COS_EMU_READY_FILE", "COS_EMU_EXIT_WITH_PARENT");

    private final Map<String, String> environment = new TreeMap<>();
    private Path file;

    /** Serves the shipped scenario of this name; {@code cos-emu scenarios} lists them. */
    public ServerOptions scenario(String name) {
        return faults(SCENARIO, name, null);
    }

    /** Serves the scenario of this file. A container is given its text, and so can read no other file that it names. */
    public ServerOptions scenario(Path file) {
        return faults(SCENARIO, file.toAbsolutePath().toString(), file);
    }

    /** Serves the scenario with this text, which is that of a scenario file. */
    public ServerOptions scenarioText(String json) {
        return faults(SCENARIO_JSON, json, null);
    }

    private ServerOptions faults(String variable, String value, Path from) {
        environment.keySet().removeAll(Set.of(SCENARIO, SCENARIO_JSON));
        environment.put(variable, value);
        file = from;
        return this;
    }

    /** Adds a bucket, which is there in every world from the start: {@code NAME-APPID} or {@code NAME-APPID@REGION}. */
    public ServerOptions bucket(String bucket) {
        return add("COS_EMU_BUCKET", bucket);
    }

    /** Adds a vault, which is there in every world from the start. */
    public ServerOptions vault(String vault) {
        return add("COS_EMU_VAULT", vault);
    }

    /** Adds an access key pair. Without any, {@code AKIDcosemu} with the key {@code cosemu} is known. */
    public ServerOptions credential(String id, String key) {
        return add("COS_EMU_CREDENTIAL", id + ":" + key);
    }

    /** Adds an access key pair that counts only together with a token. */
    public ServerOptions credential(String id, String key, String token) {
        return add("COS_EMU_CREDENTIAL", id + ":" + key + ":" + token);
    }

    private ServerOptions add(String variable, String value) {
        environment.merge(variable, value, (before, more) -> before + "," + more);
        return this;
    }

    /** The seed of all chance, read as 64 bits without sign. */
    public ServerOptions seed(long seed) {
        return seed(Long.toUnsignedString(seed));
    }

    /** The seed of all chance as text, decimal or with {@code 0x} in front. */
    public ServerOptions seed(String seed) {
        return option("seed", seed);
    }

    /** How strictly signatures are checked. */
    public ServerOptions auth(Auth auth) {
        return option("auth", auth.name().toLowerCase(Locale.ROOT));
    }

    /**
     * Any other option of {@code cos-emu --help}.
     *
     * @param name its name, such as {@code max-memory}. One that the server does not know has no effect.
     * @param value its value, {@code true} for those that take none, several with commas between for those that are repeatable
     * @throws IllegalArgumentException for {@code listen}, {@code control-listen}, {@code ready-file} and
     *     {@code exit-with-parent}
     */
    public ServerOptions option(String name, String value) {
        String variable = "COS_EMU_" + name.toUpperCase(Locale.ROOT).replace('-', '_');
        if (TAKEN.contains(variable)) {
            throw new IllegalArgumentException("the option " + name + " is for the server's starter to say");
        }
        environment.put(variable, value);
        return this;
    }

    /** The environment that says all of it to a server that can read the files of this machine. */
    Map<String, String> environment() {
        return Map.copyOf(environment);
    }

    /** The same for a server that cannot. */
    Map<String, String> environmentWithoutFiles() {
        Map<String, String> told = new TreeMap<>(environment);
        if (file != null) {
            told.remove(SCENARIO);
            told.put(SCENARIO_JSON, Client.textOf(file));
        }
        return told;
    }

    /** The token of the control API; null for none. */
    String controlToken() {
        return environment.get("COS_EMU_CONTROL_TOKEN");
    }

    /** How strictly signatures are checked. */
    public enum Auth {
        /** They are ignored. */
        OFF,
        /** One by a known key is verified, an unknown key or none is let pass. */
        CHECK,
        /** As by the real service. */
        STRICT
    }
}
