import com.qcloud.cos.COSClient;
import com.qcloud.cos.ClientConfig;
import com.qcloud.cos.auth.BasicCOSCredentials;
import com.qcloud.cos.model.PutObjectRequest;
import com.qcloud.cos.region.Region;
import com.qcloud.cos.transfer.TransferManager;
import com.qcloud.cos.transfer.TransferManagerConfiguration;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Executors;

/**
 * A program on the official Java SDK that knows nothing of cos-emu: it uploads in parts, reads back, and prints {@code ok}.
 *
 * <p>The SDK asks neither the environment nor the JVM for a proxy, so the program hands it on, as programs behind proxies do.
 */
public final class Reach {

    private static final int MIB = 1024 * 1024;

    private Reach() {}

    public static void main(String[] arguments) throws Exception {
        ClientConfig config = new ClientConfig(new Region(System.getenv("COS_REGION")));
        config.setCheckSSLCertificate(true);
        config.setChangeEndpointRetry(true);
        if (System.getenv("https_proxy") != null) {
            URI proxy = URI.create(System.getenv("https_proxy"));
            config.setHttpProxyIp(proxy.getHost());
            config.setHttpProxyPort(proxy.getPort());
        }
        String bucket = System.getenv("COS_BUCKET");
        byte[] content = new byte[3 * MIB + 17];
        new Random().nextBytes(content);
        Path file = Files.createTempFile("reach-", "");
        COSClient client = new COSClient(
                new BasicCOSCredentials(System.getenv("COS_SECRET_ID"), System.getenv("COS_SECRET_KEY")), config);
        TransferManager transfers = new TransferManager(client, Executors.newFixedThreadPool(2));
        try {
            Files.write(file, content);
            TransferManagerConfiguration parts = new TransferManagerConfiguration();
            parts.setMultipartUploadThreshold(MIB);
            parts.setMinimumUploadPartSize(MIB);
            transfers.setConfiguration(parts);
            transfers.upload(new PutObjectRequest(bucket, "java", file.toFile())).waitForUploadResult();
            try (InputStream read = client.getObject(bucket, "java").getObjectContent()) {
                if (!Arrays.equals(read.readAllBytes(), content)) {
                    throw new AssertionError("other bytes were read");
                }
            }
        } finally {
            Files.delete(file);
            transfers.shutdownNow();
        }
        System.out.println("ok");
    }
}
