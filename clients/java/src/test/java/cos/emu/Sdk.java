package cos.emu;

import com.qcloud.cos.COSClient;
import com.qcloud.cos.ClientConfig;
import com.qcloud.cos.auth.BasicCOSCredentials;
import com.qcloud.cos.endpoint.EndpointResolver;
import com.qcloud.cos.http.HttpProtocol;
import com.qcloud.cos.model.ObjectMetadata;
import com.qcloud.cos.model.PutObjectRequest;
import com.qcloud.cos.region.Region;
import com.qcloud.cos.transfer.TransferManager;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Executors;

/** The official SDK, pointed at a server. */
final class Sdk {
    static final String BUCKET = "demo-1250000000";
    static final World.AccessKey KNOWN = new World.AccessKey("AKIDcosemu", "cosemu");

    private static final int MIB = 1024 * 1024;

    private Sdk() {}

    static COSClient client(URI endpoint, World.AccessKey key) {
        return new COSClient(new BasicCOSCredentials(key.id(), key.key()), pointedAt(endpoint));
    }

    static COSClient withoutRetries(URI endpoint, World.AccessKey key) {
        ClientConfig config = pointedAt(endpoint);
        config.setMaxErrorRetry(0);
        return new COSClient(new BasicCOSCredentials(key.id(), key.key()), config);
    }

    /** Keeps the real host names, and leads them all to one address. */
    private static ClientConfig pointedAt(URI endpoint) {
        ClientConfig config = new ClientConfig(new Region("ap-guangzhou"));
        config.setHttpProtocol(HttpProtocol.http);
        config.setEndpointResolver(new EndpointResolver() {
            @Override
            public String resolveGeneralApiEndpoint(String host) {
                return endpoint.getAuthority();
            }

            @Override
            public String resolveGetServiceApiEndpoint(String host) {
                return endpoint.getAuthority();
            }
        });
        return config;
    }

    /** A file that makes three parts of 1 MiB and a shorter fourth. */
    static Path file(Path folder) throws IOException {
        byte[] content = new byte[3 * MIB + 4321];
        new Random(1).nextBytes(content);
        return Files.write(folder.resolve("big.bin"), content);
    }

    static void uploadInParts(COSClient client, String key, Path file) throws InterruptedException {
        TransferManager manager = new TransferManager(client, Executors.newFixedThreadPool(2));
        manager.getConfiguration().setMinimumUploadPartSize(MIB);
        manager.getConfiguration().setMultipartUploadThreshold(MIB);
        try {
            manager.upload(new PutObjectRequest(BUCKET, key, file.toFile())).waitForUploadResult();
        } finally {
            manager.shutdownNow(false);
        }
    }

    static void put(COSClient client, String key, String content) {
        byte[] bytes = content.getBytes();
        ObjectMetadata metadata = new ObjectMetadata();
        metadata.setContentLength(bytes.length);
        client.putObject(BUCKET, key, new ByteArrayInputStream(bytes), metadata);
    }

    static byte[] read(COSClient client, String key) throws IOException {
        try (InputStream content = client.getObject(BUCKET, key).getObjectContent()) {
            return content.readAllBytes();
        }
    }
}
