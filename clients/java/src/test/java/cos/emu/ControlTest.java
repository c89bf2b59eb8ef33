package cos.emu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.qcloud.cos.exception.CosServiceException;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the client does with a server that runs. */
class ControlTest {
    private static final String CALM = "{\"version\": 1, \"name\": \"calm\"}";
    private static final String BUSY = """
            {"version": 1, "name": "busy", "rules": [
              {"id": "busy", "when": {"op": "PutObject"}, "do": {"error": {"code": "SlowDown", "status": 503}}}]}""";

    private static CosEmuProcess server;
    private static Client client;

    @BeforeAll
    static void start() {
        server = CosEmuProcess.start(new ServerOptions().bucket(Sdk.BUCKET));
        client = server.client();
    }

    @AfterAll
    static void stop() {
        server.stop();
    }

    @Test
    void worldsOfOneServerDoNotDisturbEachOther() throws Exception {
        try (World busy = client.create(BUSY); World calm = client.create(CALM)) {
            CosServiceException refusal = assertThrows(CosServiceException.class, () ->
                    Sdk.put(Sdk.withoutRetries(busy.endpoint(), busy.accessKey().orElseThrow()), "key", "by its key pair"));
            assertEquals("SlowDown", refusal.getErrorCode());
            Sdk.put(Sdk.withoutRetries(calm.endpoint(), calm.accessKey().orElseThrow()), "key", "by its key pair");
            assertEquals(503, Plain.put(busy, "key", "by its header"));
            assertEquals(200, Plain.put(calm, "key", "by its header"));

            assertEquals(2, busy.journal(JournalQuery.all().status(503)).size());
            assertEquals(2, calm.journal(JournalQuery.all().status(200)).size());
            assertEquals(2, busy.counts().rule("busy").firings());
            assertTrue(server.journal().isEmpty());
        }
    }

    @Test
    void anInvalidScenarioIsRefusedWithEachMistake() {
        String scenario = """
                {"version": 1, "name": "two mistakes",
                 "rulez": [],
                 "server": {"auth": "lax"}}""";

        ProblemException refusal = assertThrows(ProblemException.class, () -> client.create(scenario));

        assertEquals(422, refusal.status());
        assertEquals("Unprocessable Entity", refusal.title());
        assertTrue(refusal.detail().contains("error E203"), refusal.detail());
        assertEquals(2, refusal.errors().size());
        ProblemException.ScenarioError first = refusal.errors().get(0);
        assertEquals(List.of("E203", 2, 2), List.of(first.code(), first.line(), first.column()));
        assertEquals("did you mean \"rules\"?", first.hint());
        refusal.errors().forEach(error -> assertTrue(refusal.getMessage().contains(error.toString()), refusal.getMessage()));
        assertTrue(refusal.getMessage().contains("2:2: E203: unknown field \"rulez\"; did you mean \"rules\"?"));
    }

    @Test
    void anEntryOfTheJournalSaysWhatBecameOfARequest() {
        try (World world = client.create(BUSY)) {
            Plain.put(world, "a key", "content");

            Exchange exchange = world.journal().get(0);

            assertEquals(1, exchange.n());
            assertEquals("cos PutObject PUT", exchange.service() + " " + exchange.op() + " " + exchange.method());
            assertEquals("/demo-1250000000/a%20key?", exchange.path() + "?" + exchange.query());
            assertEquals(world.endpoint().getAuthority(), exchange.host());
            assertEquals("demo-1250000000 a key", exchange.bucket() + " " + exchange.key());
            assertNull(exchange.upload());
            assertNull(exchange.part());
            assertNull(exchange.client());
            assertEquals(1, exchange.attempt());
            assertEquals(7, exchange.received().declared());
            assertEquals(List.of(new Exchange.Rule("busy", "fired")), exchange.rules());
            assertEquals("error", exchange.actions().get(0).action());
            assertEquals(503, exchange.answer().status());
            assertEquals("SlowDown", exchange.answer().code());
            assertFalse(exchange.applied());
            assertEquals(world.id(), exchange.raw().get("world").textValue());
            assertTrue(Duration.between(exchange.at(), Instant.now()).toMinutes() < 1);
        }
    }

    @Test
    void theJournalCanBeFilteredAndPaged() {
        try (World world = client.create(BUSY)) {
            Stream.of("one", "two", "two&three").forEach(key -> Plain.put(world, key, "content"));
            JournalQuery puts = JournalQuery.all().op("PutObject").bucket(Sdk.BUCKET).rule("busy").outcome("fired");

            assertEquals(3, world.journal(puts).size());
            assertEquals(3, world.journal(puts.key("two&three")).get(0).n());
            assertEquals(2, world.journal(puts.from(2).limit(1)).get(0).n());
            assertTrue(world.journal(puts.part(1)).isEmpty());
            assertTrue(world.journal(puts.client("AKIDnobody")).isEmpty());
            assertTrue(world.journal(puts.upload("none")).isEmpty());
        }
    }

    @Test
    void waitForReturnsWhenTheExchangeArrives() {
        try (World world = client.create(CALM)) {
            CompletableFuture<Integer> put = CompletableFuture.supplyAsync(
                    () -> Plain.put(world, "key", "content"),
                    CompletableFuture.delayedExecutor(100, TimeUnit.MILLISECONDS));

            List<Exchange> came = world.waitFor(1, JournalQuery.all().key("key"), Duration.ofSeconds(10));

            assertEquals("PutObject", came.get(0).op());
            assertEquals(200, put.join());
        }
    }

    @Test
    void waitForSaysHowManyCame() {
        try (World world = client.create(CALM)) {
            Plain.put(world, "key", "content");

            CosEmuException late = assertThrows(CosEmuException.class, () ->
                    world.waitFor(2, JournalQuery.all().key("key"), Duration.ofMillis(50)));

            assertEquals("waited for 2 exchanges (key=key), but 1 came within 50 ms", late.getMessage());
        }
    }

    @Test
    void resetEmptiesTheJournal() {
        try (World world = client.create(BUSY)) {
            Plain.put(world, "key", "content");
            assertEquals(1, world.journal().size());

            world.reset();

            assertTrue(world.journal().isEmpty());
            assertEquals(0, world.counts().rule("busy").matches());
        }
    }

    @Test
    void theClockCanBeFrozenAdvancedSkewedAndRun() {
        try (World world = client.create(CALM)) {
            WorldClock clock = world.clock();
            assertEquals(Duration.ZERO, clock.read().skew());

            Instant may = Instant.parse("2024-05-01T00:00:00.123456Z");
            assertEquals(Instant.parse("2024-05-01T00:00:00.123Z"), clock.freeze(may).now());
            assertEquals(Instant.parse("2024-05-01T04:00:00.123Z"), clock.advance(Duration.ofHours(4)).now());
            assertFalse(clock.read().running());
            assertTrue(clock.run().running());
            assertTrue(clock.read().now().isAfter(may));

            assertEquals(Duration.ofMinutes(-20), clock.skew(Duration.ofMinutes(-20)).skew());
            assertEquals(Duration.ofMillis(1500), clock.skew(Duration.ofMillis(1500)).skew());
            assertThrows(ProblemException.class, () -> clock.advance(Duration.ofSeconds(-1)));
        }
    }

    @Test
    void aVerdictHasItsCasesAndATextForPeople() {
        try (World world = client.create(BUSY)) {
            Verdict verdict = world.verdict();

            assertEquals("busy", verdict.scenario());
            assertEquals(world.seed(), verdict.seed());
            assertEquals(List.of("rules/busy"), verdict.failures().stream().map(Verdict.Case::name).toList());
            assertTrue(verdict.text().startsWith("verdict: under \"busy\" the client did not cope: 1 of "), verdict.text());
            assertTrue(verdict.text().endsWith("\n  rules/busy (the rule fired as often as it has to): "
                    + "rule \"busy\" matched 0 times and fired 0 times, but has to fire at least 1 time"), verdict.text());

            assertEquals(503, Plain.put(world, "key", "content"));
            world.verdict().assertHolds();
            assertTrue(world.verdict().text().contains("the client coped: "), world.verdict().text());
        }
    }

    @Test
    void aWorldEndsWithItsVerdictAndIsThenGone() {
        World world = client.create(BUSY);
        assertTrue(client.worlds().stream().anyMatch(one -> one.id().equals(world.id())));
        assertEquals(world.seed(), client.world(world.id()).seed());

        assertFalse(world.delete().holds());

        world.close();
        ProblemException refusal = assertThrows(ProblemException.class, () -> client.world(world.id()));
        assertEquals(404, refusal.status());
        assertThrows(ProblemException.class, world::delete);
    }

    @Test
    void theDefaultWorldIsNotDeletedOnClose() {
        try (World world = server.defaultWorld()) {
            assertEquals("default", world.id());
            assertEquals(server.endpoint(), world.endpoint());
            assertEquals(new World.Header("x-emu-scenario", "default"), world.header());
            assertTrue(world.accessKey().isEmpty());
            assertEquals(409, assertThrows(ProblemException.class, world::delete).status());
        }
        assertEquals("default", client.worlds().get(0).id());
    }

    @Test
    void aServerThatIsNotThereIsNamedWithWhatWasAsked() {
        Client nobody = new Client(URI.create("http://127.0.0.1:9"));

        assertFalse(nobody.ready());
        assertThrows(CosEmuException.class, () -> nobody.waitUntilReady(Duration.ofMillis(50)));
        String silence = assertThrows(CosEmuException.class, nobody::worlds).getMessage();
        assertTrue(silence.startsWith("GET http://127.0.0.1:9/_cos-emu/v1/scenarios got no answer: "), silence);
    }

    @Test
    void anAnswerOfAnotherServerIsShown() throws Exception {
        HttpServer other = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        other.createContext("/", exchange -> {
            int status = exchange.getRequestMethod().equals("GET") ? 200 : 502;
            exchange.sendResponseHeaders(status, "not JSON".length());
            exchange.getResponseBody().write("not JSON".getBytes());
            exchange.close();
        });
        other.start();
        try {
            String url = "http://127.0.0.1:" + other.getAddress().getPort();
            Client astray = new Client(URI.create(url));
            String refusal = assertThrows(CosEmuException.class, () -> astray.create(CALM)).getMessage();
            assertEquals("POST " + url + "/_cos-emu/v1/scenarios was answered with 502, no content type: not JSON", refusal);
            String wrong = assertThrows(CosEmuException.class, astray::worlds).getMessage();
            assertEquals("the answer is not as expected: not JSON", wrong);
        } finally {
            other.stop(0);
        }
    }
}
