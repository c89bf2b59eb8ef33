package cos.emu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.qcloud.cos.COSClient;
import com.qcloud.cos.ClientConfig;
import com.qcloud.cos.auth.BasicCOSCredentials;
import com.qcloud.cos.http.HttpProtocol;
import com.qcloud.cos.region.Region;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The code of the README, which is code of these tests. */
class ReadmeTest {
    @TempDir
    static Path folder;

    private final ServerOptions options = new ServerOptions().scenario("reset-mid-upload").bucket("demo-1250000000");

    /** What is under test. */
    private static void backUp(URI endpoint, World.AccessKey key) throws Exception {
        ClientConfig config = new ClientConfig(new Region("ap-guangzhou"));
        config.setHttpProtocol(HttpProtocol.http);
        config.setHttpProxyIp(endpoint.getHost());
        config.setHttpProxyPort(endpoint.getPort());
        COSClient client = new COSClient(new BasicCOSCredentials(key.id(), key.key()), config);
        Sdk.uploadInParts(client, "backup", Sdk.file(folder));
    }

    private static void backUp(URI endpoint) throws Exception {
        backUp(endpoint, Sdk.KNOWN);
    }

    @Test
    void theContainer() throws Exception {
        Engine.isRequired();

        ServerOptions options = new ServerOptions().scenario("reset-mid-upload").bucket("demo-1250000000");
        try (CosEmuContainer cosEmu = new CosEmuContainer(options)) {
            cosEmu.start();
            backUp(cosEmu.endpoint());
            cosEmu.verdict().assertHolds();
        }
    }

    @Test
    void theBinary() throws Exception {
        try (CosEmuProcess cosEmu = CosEmuProcess.start(options)) {
            backUp(cosEmu.endpoint());
            cosEmu.verdict().assertHolds();
        }
    }

    @Nested
    @CosEmu(scenario = "reset-mid-upload", verdict = true)
    class BackupTest {
        @Test
        void survivesResets(World world) throws Exception {
            backUp(world.endpoint(), world.accessKey().orElseThrow());
        }
    }

    @Test
    void itsCodeIsCodeOfTheseTests() throws IOException {
        StringBuilder tests = new StringBuilder();
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                tests.append(withoutIndentation(Files.readString(file)));
            }
        }
        List<String> examples = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("README.md")))
                .results().map(found -> found.group(1)).toList();
        assertEquals(4, examples.size());
        examples.forEach(example ->
                assertTrue(tests.indexOf(withoutIndentation(example)) >= 0, "this is in no test:\n" + example));
    }

    private static String withoutIndentation(String code) {
        return code.lines().map(String::strip).collect(Collectors.joining("\n", "", "\n"));
    }
}
