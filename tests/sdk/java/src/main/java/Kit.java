import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.qcloud.cos.COSClient;
import com.qcloud.cos.ClientConfig;
import com.qcloud.cos.auth.BasicCOSCredentials;
import com.qcloud.cos.auth.COSCredentials;
import com.qcloud.cos.auth.COSSigner;
import com.qcloud.cos.exception.CosServiceException;
import com.qcloud.cos.http.HttpMethodName;
import com.qcloud.cos.http.HttpProtocol;
import com.qcloud.cos.model.StorageClass;
import com.qcloud.cos.region.Region;
import com.qcloud.cos.transfer.TransferManager;
import com.qcloud.cos.transfer.TransferManagerConfiguration;
import com.qcloud.cos.utils.CRC64;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
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
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/** What the steps lean on: expectations, clients, content, plain requests and the emulator's journal. */
final class Kit {

    static final int MIB = 1024 * 1024;
    static final String APPID = "1250000000";
    static final String REGION = "ap-guangzhou";
    static final String OWNER = "qcs::cam::uin/100000000001:uin/100000000001";
    static final String READER = "qcs::cam::uin/100000000002:uin/100000000002";
    static final COSCredentials OWNED = new BasicCOSCredentials("AKIDcosemu", "cosemu");

    /** The clients of the step under way. */
    static final List<COSClient> clients = new ArrayList<>();

    /** For the files of this run. */
    static Path folder;

    static URI emulator;

    /** A client that has nothing to do with the SDK, whose requests the emulator takes as their proxy. */
    private static HttpClient plain;

    private static HttpClient direct;

    private Kit() {}

    interface Action {
        void run() throws Exception;
    }

    interface ActionOn<T> {
        void run(T value) throws Exception;
    }

    static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1;

        Failed(String message) {
            super(message);
        }
    }

    static void reach(String url) {
        emulator = URI.create(url);
        InetSocketAddress address = new InetSocketAddress(emulator.getHost(), emulator.getPort());
        HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
        direct = builder.build();
        plain = builder.proxy(ProxySelector.of(address)).build();
    }

    // Expectations.

    static void check(boolean condition, String what) {
        if (!condition) {
            throw new Failed(what);
        }
    }

    static void same(Object actual, Object expected, String what) {
        check(Objects.equals(actual, expected), what + ": " + actual + " instead of " + expected);
    }

    static void same(byte[] actual, byte[] expected, String what) {
        check(Arrays.equals(actual, expected), what + ": " + actual.length + " bytes, not the expected " + expected.length);
    }

    /** Compares documents that the SDK wrote: what a read gave with what was put, field by field. */
    static void sameDocument(byte[] actual, byte[] expected, String what) {
        same(new String(actual, StandardCharsets.UTF_8), new String(expected, StandardCharsets.UTF_8), what);
    }

    /** Expects an action to be refused by the service. */
    static CosServiceException refused(int status, String code, String what, Action action) throws Exception {
        try {
            action.run();
        } catch (CosServiceException refusal) {
            same(refusal.getStatusCode() + " " + refusal.getErrorCode(), status + " " + code, what);
            check(refusal.getRequestId() != null && !refusal.getRequestId().isEmpty(), what + ": the request id");
            return refusal;
        }
        throw new Failed(what + " succeeded, but should have failed with " + code);
    }

    /** What the SDK makes of an error that answers a HEAD, which has no document to say its code in. */
    static final String MISSING = "404 Not Found";

    static final String FORBIDDEN = "403 Forbidden";

    // Clients.

    static COSClient client(COSCredentials credentials, Consumer<ClientConfig> settings) {
        COSClient made = new COSClient(credentials, configured(settings));
        clients.add(made);
        return made;
    }

    static ClientConfig configured(Consumer<ClientConfig> settings) {
        ClientConfig config = new ClientConfig(new Region(REGION));
        config.setHttpProtocol(HttpProtocol.http);
        config.setHttpProxyIp(emulator.getHost());
        config.setHttpProxyPort(emulator.getPort());
        settings.accept(config);
        return config;
    }

    static COSClient owner() {
        return client(OWNED, config -> {});
    }

    static COSClient of(COSCredentials credentials) {
        return client(credentials, config -> {});
    }

    /** Transfers with parts of 1 MiB. */
    static void transfers(COSClient client, ActionOn<TransferManager> action) throws Exception {
        TransferManager manager = new TransferManager(client, Executors.newFixedThreadPool(3));
        TransferManagerConfiguration configuration = manager.getConfiguration();
        configuration.setMinimumUploadPartSize(MIB);
        configuration.setMultipartUploadThreshold(MIB);
        configuration.setMultipartCopyPartSize(MIB);
        configuration.setMultipartCopyThreshold(MIB);
        try {
            action.run(manager);
        } finally {
            manager.shutdownNow(false);
        }
    }

    /** Runs an action on each value, some at a time. */
    static <T> void inParallel(Collection<T> values, ActionOn<T> action) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<?>> running = new ArrayList<>();
        for (T value : values) {
            running.add(pool.submit(() -> {
                action.run(value);
                return null;
            }));
        }
        for (Future<?> each : running) {
            each.get();
        }
        pool.shutdown();
    }

    // Content.

    static byte[] bytes(String content) {
        return content.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] content) {
        return new String(content, StandardCharsets.UTF_8);
    }

    /** Content of a size, the same each time. */
    static byte[] bytesOf(int size) {
        byte[] content = new byte[size];
        new java.util.Random(size).nextBytes(content);
        return content;
    }

    static Path fileOf(int size) throws Exception {
        return Files.write(folder.resolve("file-" + size), bytesOf(size));
    }

    static byte[] contentOf(Path file) throws Exception {
        return Files.readAllBytes(file);
    }

    static byte[] md5(byte[] content) throws Exception {
        return MessageDigest.getInstance("MD5").digest(content);
    }

    static String etagOf(byte[] content) throws Exception {
        return HexFormat.of().formatHex(md5(content));
    }

    static String crcOf(byte[] content) {
        CRC64 crc = new CRC64();
        crc.update(content, content.length);
        return Long.toUnsignedString(crc.getValue());
    }

    /** A storage class as the SDK spells it, {@code Standard_IA}, which the service takes. */
    static String classOf(StorageClass storageClass) {
        return storageClass.toString();
    }

    static Date inAnHour() {
        return new Date(System.currentTimeMillis() + 3_600_000);
    }

    // Requests that the SDK had no part in.

    /** Headers are names and values in turn. */
    static HttpResponse<byte[]> send(String method, String url, byte[] body, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        request.method(method, body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return plain.send(request.build(), BodyHandlers.ofByteArray());
    }

    static HttpResponse<byte[]> get(String url, String... headers) throws Exception {
        return send("GET", url, new byte[0], headers);
    }

    static void answered(HttpResponse<byte[]> response, int status, String part, String what) {
        String body = text(response.body());
        check(response.statusCode() == status && body.contains(part), what + ": " + response.statusCode() + " " + body);
    }

    /** Puts a configuration that the SDK has no call for; its signer signs. */
    static void configure(String bucket, Map<String, String> parameters, String document) throws Exception {
        String host = hostOf(bucket);
        String authorization = new COSSigner()
                .buildAuthorizationStr(HttpMethodName.PUT, "/", Map.of("host", host), parameters, OWNED, inAnHour());
        StringBuilder query = new StringBuilder("?");
        parameters.forEach((name, value) -> query.append(name).append('=').append(value).append('&'));
        answered(
                send("PUT", "http://" + host + "/" + query, bytes(document), "Authorization", authorization),
                200, "", parameters + " is put");
    }

    static String hostOf(String bucket) {
        return bucket + ".cos." + REGION + ".myqcloud.com";
    }

    /** What the emulator was asked of an operation on a key, and answered with success. */
    static List<JsonNode> journal(String operation, String bucket, String key) throws Exception {
        String query = "?op=" + operation + "&key=" + URLEncoder.encode(key, StandardCharsets.UTF_8);
        URI address = emulator.resolve("/_cos-emu/v1/scenarios/default/journal" + query);
        String document = direct.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString()).body();
        List<JsonNode> found = new ArrayList<>();
        for (JsonNode exchange : new ObjectMapper().readTree(document).get("exchanges")) {
            boolean succeeded = exchange.get("answer").path("status").asInt() / 100 == 2;
            if (succeeded && exchange.get("bucket").asText().equals(bucket)) {
                found.add(exchange);
            }
        }
        return found;
    }
}
