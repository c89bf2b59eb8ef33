import com.qcloud.cos.COSClient;
import com.qcloud.cos.COSEncryptionClient;
import com.qcloud.cos.Headers;
import com.qcloud.cos.auth.COSStaticCredentialsProvider;
import com.qcloud.cos.internal.crypto.CryptoConfiguration;
import com.qcloud.cos.internal.crypto.CryptoMode;
import com.qcloud.cos.internal.crypto.CryptoStorageMode;
import com.qcloud.cos.internal.crypto.EncryptionMaterials;
import com.qcloud.cos.internal.crypto.StaticEncryptionMaterialsProvider;
import com.qcloud.cos.model.*;
import java.util.Arrays;
import java.util.List;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** Encryption by the service, with a key of the customer, and by the client. */
final class Encryption {

    private Encryption() {}

    static void byTheService() throws Exception {
        TestBucket bucket = TestBucket.made("encrypted");
        PutObjectRequest own = bucket.upload("own", Kit.bytes("content"));
        own.getMetadata().setServerSideEncryption(SSEAlgorithm.AES256.getAlgorithm());
        Kit.same(bucket.client().putObject(own).getSSEAlgorithm(), "AES256", "the answer to SSE-COS");
        Kit.same(bucket.head("own").getServerSideEncryption(), "AES256", "a HEAD of SSE-COS");
        bucket.holds("own", "content");

        PutObjectRequest managed = bucket.upload("managed", Kit.bytes("content"));
        managed.setSSECOSKeyManagementParams(new SSECOSKeyManagementParams("a-key", null));
        Kit.same(bucket.client().putObject(managed).getSSEAlgorithm(), "cos/kms", "the answer to SSE-KMS");
        // Its own getter looks for a header of another name than the documented one.
        Object id = bucket.head("managed").getRawMetadataValue(Headers.SERVER_SIDE_ENCRYPTION_COS_KMS_KEY_ID);
        Kit.same(id, "a-key", "the key of SSE-KMS");
        bucket.holds("managed", "content");
    }

    static void byKeyOfCustomer() throws Exception {
        TestBucket bucket = TestBucket.made("customer-key");
        COSClient client = bucket.client();
        SSECustomerKey key = new SSECustomerKey(Arrays.copyOf(Kit.bytes("a key"), 32));
        SSECustomerKey other = new SSECustomerKey(Arrays.copyOf(Kit.bytes("another key"), 32));
        PutObjectResult result = client.putObject(bucket.upload("key", Kit.bytes("content")).withSSECustomerKey(key));
        Kit.same(result.getSSECustomerAlgorithm(), "AES256", "the answer to SSE-C");
        Kit.check(!result.getSSECustomerKeyMd5().isEmpty(), "the digest of the key");
        Kit.same(Kit.text(bucket.read(bucket.download("key").withSSECustomerKey(key))), "content", "a read with the key");
        Kit.refused(403, "AccessDenied", "another key", () -> bucket.read(bucket.download("key").withSSECustomerKey(other)));
        Kit.refused(400, "SsecDecryptHeaderInvalid", "no key", () -> bucket.read("key"));
        GetObjectMetadataRequest head = new GetObjectMetadataRequest(bucket.name(), "key");
        head.setSSECustomerKey(key);
        Kit.same(client.getObjectMetadata(head).getContentLength(), 7L, "a HEAD with the key");

        CopyObjectRequest copy = new CopyObjectRequest(bucket.name(), "key", bucket.name(), "copy");
        copy.setSourceSSECustomerKey(key);
        copy.setDestinationSSECustomerKey(other);
        client.copyObject(copy);
        Kit.same(Kit.text(bucket.read(bucket.download("copy").withSSECustomerKey(other))), "content", "a copy");

        byte[] large = Kit.bytesOf(2 * Kit.MIB + 3);
        Kit.transfers(client, manager ->
                manager.upload(bucket.upload("large", large).withSSECustomerKey(key)).waitForUploadResult());
        Kit.same(bucket.read(bucket.download("large").withSSECustomerKey(key)), large, "an upload in parts");
    }

    /** The service is handed what it cannot read; the SDK can, but for ranges, which it refuses under this scheme. */
    static void byTheClient() throws Exception {
        TestBucket bucket = TestBucket.made("client-side");
        for (CryptoStorageMode storage : List.of(CryptoStorageMode.ObjectMetadata, CryptoStorageMode.InstructionFile)) {
            SecretKey key = new SecretKeySpec(Arrays.copyOf(Kit.bytes("a key of the client"), 32), "AES");
            CryptoConfiguration crypto =
                    new CryptoConfiguration(CryptoMode.AesCtrEncryption).withStorageMode(storage);
            COSEncryptionClient client = new COSEncryptionClient(
                    new COSStaticCredentialsProvider(Kit.OWNED),
                    new StaticEncryptionMaterialsProvider(new EncryptionMaterials(key)),
                    Kit.configured(config -> {}), crypto);
            Kit.clients.add(client);
            TestBucket encrypted = new TestBucket(client, bucket.name());
            roundTrip(bucket, encrypted, "" + storage);
        }
    }

    private static void roundTrip(TestBucket bucket, TestBucket encrypted, String key) throws Exception {
        byte[] content = Kit.bytesOf(100_000);
        encrypted.put(key, content);
        encrypted.holds(key, content);
        Kit.check(!Arrays.equals(bucket.read(key), content), "what is stored is encrypted");
        byte[] large = Kit.bytesOf(2 * Kit.MIB + 3);
        Kit.transfers(encrypted.client(), manager ->
                manager.upload(encrypted.upload(key + "-large", large)).waitForUploadResult());
        encrypted.holds(key + "-large", large);
    }
}
