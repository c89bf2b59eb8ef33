package cos.emu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.qcloud.cos.COSClient;
import com.qcloud.cos.exception.CosClientException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What holds of a server however it is started. */
abstract class ServerContract {
    @TempDir
    Path folder;

    abstract CosEmuServer start(ServerOptions options);

    @Test
    void anUploadInPartsSurvivesAResetInEachPart() throws Exception {
        try (CosEmuServer server = start(new ServerOptions().scenario("reset-mid-upload").bucket(Sdk.BUCKET))) {
            assertUploadSurvives(server, server.endpoint());
        }
    }

    void assertUploadSurvives(CosEmuServer server, URI endpoint) throws Exception {
        COSClient client = Sdk.client(endpoint, Sdk.KNOWN);
        Path file = Sdk.file(folder);

        Sdk.uploadInParts(client, "big.bin", file);

        assertArrayEquals(Files.readAllBytes(file), Sdk.read(client, "big.bin"));
        Counts.Rule resets = server.counts().rule("reset-in-part");
        assertEquals(4, resets.firings());
        assertTrue(resets.fulfilled());
        assertEquals(new Counts.MustFire(1, null), resets.mustFire());
        Exchange cut = server.journal(JournalQuery.all().op("UploadPart").part(1)).get(0);
        assertEquals("demo-1250000000.cos.ap-guangzhou.myqcloud.com", cut.host());
        assertEquals(512 * 1024, cut.received().bytes());
        assertEquals("reset", cut.actions().get(0).action());
        server.verdict().assertHolds();
    }

    @Test
    void everyOptionReachesTheServer() {
        ServerOptions options = new ServerOptions()
                .bucket(Sdk.BUCKET).bucket("other-1250000000@ap-beijing")
                .credential("AKIDone", "first").credential("AKIDtwo", "second", "token")
                .seed("0x5eed").auth(ServerOptions.Auth.STRICT)
                .option("max-memory", "10B").option("spill-dir", "/nowhere/at/all").option("control-token", "open");
        try (CosEmuServer server = start(options)) {
            World world = server.defaultWorld();
            assertEquals("0x5eed", world.seed());
            assertEquals(401, assertThrows(ProblemException.class, new Client(server.endpoint())::worlds).status());

            COSClient client = Sdk.withoutRetries(server.endpoint(), new World.AccessKey("AKIDone", "first"));
            assertEquals(2, client.listBuckets().size());
            Sdk.put(client, "small", "ten bytes!");
            String refusal = assertThrows(CosClientException.class, () -> Sdk.put(client, "large", "one more")).getMessage();
            assertTrue(refusal.contains("503"), refusal);

            COSClient unknown = Sdk.client(server.endpoint(), Sdk.KNOWN);
            assertThrows(CosClientException.class, () -> Sdk.put(unknown, "small", "x"));
        }
    }

    @Test
    void aScenarioMayBeAFile() throws IOException {
        Path file = Files.writeString(folder.resolve("scenario.json"), "{\"version\": 1, \"name\": \"of a file\"}");
        try (CosEmuServer server = start(new ServerOptions().scenario("flaky").scenario(file))) {
            assertEquals("of a file", server.defaultWorld().name());
            assertEquals("of a file", server.create(file).name());
        }
    }

    @Test
    void aShippedScenarioCanBeHadAsText() {
        try (CosEmuServer server = start(new ServerOptions());
                World world = server.create(server.shippedScenario("slow-down"))) {
            assertEquals("slow-down", world.name());
            String refusal = assertThrows(CosEmuException.class, () -> server.shippedScenario("tulip")).getMessage();
            assertTrue(refusal.contains("no shipped scenario"), refusal);
        }
    }

    @Test
    void aWrongOptionIsToldInTheWordsOfTheBinary() {
        RuntimeException refusal = assertThrows(RuntimeException.class, () -> start(new ServerOptions().seed("tulip")));

        assertTrue(refusal.getMessage().contains("a seed is a number below 2^64"), refusal.getMessage());
    }

    @Test
    void itsCaIsTrustedByATlsClient() throws Exception {
        try (CosEmuServer server = start(new ServerOptions())) {
            // A client that goes to an address names no host in its hello; the loopback addresses are in the certificate anyway.
            URI url = URI.create("https://127.0.0.1:" + server.endpoint().getPort() + "/_cos-emu/readyz");
            HttpClient client = HttpClient.newBuilder()
                    .proxy(HttpClient.Builder.NO_PROXY).sslContext(server.client().sslContext()).build();
            HttpResponse<String> answer =
                    client.send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofString());
            assertEquals("ok\n", answer.body());
            try (InputStream pem = Files.newInputStream(server.caFile())) {
                X509Certificate ca = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(pem);
                X509Certificate shown = (X509Certificate) answer.sslSession().orElseThrow().getPeerCertificates()[0];
                shown.verify(ca.getPublicKey());
            }
        }
    }
}
