package cos.emu;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A client of the control API of a server that runs. It never goes through a proxy, since that is often the server itself.
 *
 * <p>All methods throw {@link ProblemException} when the server refuses what is asked, and {@link CosEmuException} when it
 * answers otherwise than it should, or not within ten seconds. Instances may be shared between threads, and need no closing.
 */
public final class Client {
    static final String SCENARIOS = "/_cos-emu/v1/scenarios";

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(20);
    // One for all: each has threads of its own until it is collected.
    private static final HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(PATIENCE)
            .build();

    private final URI url;
    private final String token;

    /**
     * A client of the server at this URL.
     *
     * @param url such as {@code http://127.0.0.1:3077}
     */
    public Client(URI url) {
        this(url, null);
    }

    /**
     * A client of a server that wants a token.
     *
     * @param url such as {@code http://127.0.0.1:3077}
     * @param token what the server was given as {@code --control-token}; null for none
     */
    public Client(URI url, String token) {
        this.url = url;
        this.token = token;
    }

    /** Where the server is. */
    public URI url() {
        return url;
    }

    /** Whether the server serves; also false when nothing answers. */
    public boolean ready() {
        try {
            get("/_cos-emu/readyz");
            return true;
        } catch (CosEmuException notYet) {
            return false;
        }
    }

    /**
     * Waits until the server serves.
     *
     * @throws CosEmuException when it does not within this time
     */
    public void waitUntilReady(Duration timeout) {
        long end = System.nanoTime() + timeout.toNanos();
        while (!ready()) {
            if (System.nanoTime() > end) {
                throw new CosEmuException(url + " is not ready after " + timeout.toMillis() + " ms");
            }
            pause();
        }
    }

    /** The certificate of the CA that signs for TLS, as PEM. */
    public String ca() {
        return get("/_cos-emu/ca.pem");
    }

    /** The context of a TLS client that trusts that CA and no other. */
    public SSLContext sslContext() {
        try {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null, null);
            ByteArrayInputStream pem = new ByteArrayInputStream(ca().getBytes(StandardCharsets.US_ASCII));
            trusted.setCertificateEntry("cos-emu", CertificateFactory.getInstance("X.509").generateCertificate(pem));
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException error) {
            throw new CosEmuException("the CA of " + url + " cannot be trusted", error);
        }
    }

    /** All worlds, the default one first. */
    public List<World> worlds() {
        World.Made[] found = Json.read(get(SCENARIOS), World.Made[].class);
        return Stream.of(found).map(one -> new World(this, one.at(url))).toList();
    }

    /** The world that the server started with. */
    public World defaultWorld() {
        return world(World.DEFAULT);
    }

    /**
     * The world with this id.
     *
     * @throws ProblemException with status 404 when there is none
     */
    public World world(String id) {
        String path = SCENARIOS + "/" + URLEncoder.encode(id, StandardCharsets.UTF_8);
        return new World(this, Json.read(get(path), World.Made.class).at(url));
    }

    /**
     * Makes a scenario active, as a world of its own.
     *
     * @param scenario the text of a scenario file
     * @throws ProblemException with status 422 and each mistake when the scenario is not valid
     */
    public World create(String scenario) {
        return new World(this, Json.read(ask("POST", SCENARIOS, scenario), World.Made.class));
    }

    /**
     * Makes the scenario of a file active, as a world of its own.
     *
     * @throws ProblemException with status 422 and each mistake when the scenario is not valid
     * @throws UncheckedIOException when the file cannot be read
     */
    public World create(Path scenario) {
        return create(textOf(scenario));
    }

    static String textOf(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    static void pause() {
        try {
            Thread.sleep(POLL.toMillis());
        } catch (InterruptedException interrupted) {
            throw interrupted("waiting", interrupted);
        }
    }

    static CosEmuException interrupted(String asked, InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new CosEmuException(asked + " was interrupted", cause);
    }

    String get(String path) {
        return getHeld(path, Duration.ZERO);
    }

    /** Asks for what the server may hold back for so long. */
    String getHeld(String path, Duration held) {
        return bodyOf(send("GET", path, null, held), 0);
    }

    String ask(String method, String path, String body) {
        return bodyOf(send(method, path, body, Duration.ZERO), 0);
    }

    /** Asks for what is a proper answer under another status too. */
    String askAlso(int status, String method, String path) {
        return bodyOf(send(method, path, null, Duration.ZERO), status);
    }

    private HttpResponse<String> send(String method, String path, String body, Duration held) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url.resolve(path))
                .timeout(PATIENCE.plus(held))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        String asked = method + " " + url.resolve(path);
        try {
            return HTTP.send(request.build(), BodyHandlers.ofString());
        } catch (IOException error) {
            throw new CosEmuException(asked + " got no answer: " + error, error);
        } catch (InterruptedException interrupted) {
            throw interrupted(asked, interrupted);
        }
    }

    private static String bodyOf(HttpResponse<String> answer, int alsoGood) {
        int status = answer.statusCode();
        String body = answer.body();
        if (status / 100 == 2) {
            return body;
        }
        String asked = answer.request().method() + " " + answer.uri();
        String type = answer.headers().firstValue("Content-Type").orElse("no content type");
        if (type.startsWith("application/problem+json")) {
            throw new ProblemException(asked, Json.read(body, ProblemException.Problem.class));
        }
        if (status == alsoGood) {
            return body;
        }
        throw new CosEmuException(asked + " was answered with " + status + ", " + type + ": " + body);
    }
}
