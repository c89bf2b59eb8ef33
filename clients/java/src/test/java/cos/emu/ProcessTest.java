package cos.emu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.qcloud.cos.COSClient;
import com.qcloud.cos.exception.CosClientException;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ProcessTest extends ServerContract {
    @Override
    CosEmuServer start(ServerOptions options) {
        return CosEmuProcess.start(options);
    }

    @Test
    void theVerdictOnAClientThatDoesNotRetryNamesTheReasons() throws Exception {
        try (CosEmuServer server = start(new ServerOptions().scenario("reset-mid-upload").bucket(Sdk.BUCKET))) {
            COSClient client = Sdk.withoutRetries(server.endpoint(), Sdk.KNOWN);
            assertThrows(CosClientException.class, () -> Sdk.uploadInParts(client, "big.bin", Sdk.file(folder)));

            Verdict verdict = server.verdict();

            assertFalse(verdict.holds());
            String text = assertThrows(AssertionError.class, verdict::assertHolds).getMessage();
            assertTrue(text.contains("did not cope"), text);
            assertTrue(text.contains("requests[0] (as many requests came as expected): "
                    + "any request with attempt number 2 or later: 0 came, not at least 1"), text);
        }
    }

    @Test
    void aSeedIsReadWithoutSign() {
        try (CosEmuServer server = start(new ServerOptions().seed(-1))) {
            assertEquals("0xffffffffffffffff", server.defaultWorld().seed());
        }
    }

    @Test
    void asAProxyItIsTheServiceOfRealNames() throws Exception {
        try (CosEmuServer server = start(new ServerOptions().vault("backups").vault("more"))) {
            InetSocketAddress proxy = new InetSocketAddress(server.proxy().getHost(), server.proxy().getPort());
            HttpClient client = HttpClient.newBuilder().proxy(ProxySelector.of(proxy)).build();
            URI vaults = URI.create("http://cas.ap-guangzhou.myqcloud.com/-/vaults");
            String list = client.send(HttpRequest.newBuilder(vaults).build(), BodyHandlers.ofString()).body();
            assertTrue(list.contains("vaults/backups") && list.contains("vaults/more"), list);
        }
    }

    @Test
    void theScenarioThatIsNamedLastCounts() {
        ServerOptions options = new ServerOptions().scenario("flaky").scenarioText("{\"version\": 1, \"name\": \"of a text\"}");
        try (CosEmuServer server = start(options)) {
            assertEquals("of a text", server.defaultWorld().name());
        }
    }

    @Test
    void stopEndsTheProcess() {
        CosEmuProcess server = CosEmuProcess.start(new ServerOptions());
        ProcessHandle process = ProcessHandle.of(server.pid()).orElseThrow();

        server.stop();

        assertFalse(process.isAlive());
        assertFalse(server.client().ready());
        server.stop();
    }

    @Test
    void anInvalidScenarioIsToldInTheWordsOfTheBinary() {
        ServerOptions options = new ServerOptions().scenarioText("{\"version\": 1, \"name\": \"x\",\n \"rulez\": []}");

        RuntimeException refusal = assertThrows(RuntimeException.class, () -> CosEmuProcess.start(options));

        assertTrue(refusal.getMessage().contains(":2:2: error E203: unknown field \"rulez\""), refusal.getMessage());
        assertTrue(refusal.getMessage().contains("did you mean \"rules\"?"), refusal.getMessage());
    }

    @Test
    void aBinaryThatIsNotThereIsNamed() {
        String refusal = assertThrows(
                CosEmuException.class, () -> CosEmuProcess.start(Path.of("/nowhere/cos-emu"), new ServerOptions())).getMessage();

        assertTrue(refusal.contains("\"/nowhere/cos-emu\" cannot be run"), refusal);
    }

    @Test
    void theEnvironmentOfTheTestDoesNotReachTheServer() {
        assertEquals("not a seed", System.getenv("COS_EMU_SEED"));

        CosEmuProcess.start(new ServerOptions()).stop();
    }

    @Test
    void whereItListensIsNotForTheOptionsToSay() {
        assertThrows(IllegalArgumentException.class, () -> new ServerOptions().option("listen", "127.0.0.1:80"));
    }
}
