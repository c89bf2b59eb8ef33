import com.qcloud.cos.COSClient;
import com.qcloud.cos.auth.COSCredentials;
import com.qcloud.cos.model.*;
import java.io.ByteArrayInputStream;
import java.util.List;

/** A bucket as one client sees it. */
record TestBucket(COSClient client, String name) {

    static TestBucket named(String name) {
        return new TestBucket(Kit.owner(), "java-" + name + "-" + Kit.APPID);
    }

    static TestBucket made(String name) {
        TestBucket bucket = named(name);
        bucket.client.createBucket(bucket.name);
        return bucket;
    }

    static TestBucket versioned(String name) {
        TestBucket bucket = made(name);
        bucket.versioning(BucketVersioningConfiguration.ENABLED);
        return bucket;
    }

    void versioning(String status) {
        client.setBucketVersioningConfiguration(
                new SetBucketVersioningConfigurationRequest(name, new BucketVersioningConfiguration(status)));
    }

    TestBucket as(COSCredentials credentials) {
        return new TestBucket(Kit.of(credentials), name);
    }

    PutObjectRequest upload(String key, byte[] content) {
        ObjectMetadata metadata = new ObjectMetadata();
        metadata.setContentLength(content.length);
        return new PutObjectRequest(name, key, new ByteArrayInputStream(content), metadata);
    }

    PutObjectResult put(String key, byte[] content) {
        return client.putObject(upload(key, content));
    }

    PutObjectResult put(String key, String content) {
        return put(key, Kit.bytes(content));
    }

    GetObjectRequest download(String key) {
        return new GetObjectRequest(name, key);
    }

    byte[] read(GetObjectRequest request) throws Exception {
        try (COSObject object = client.getObject(request)) {
            return object.getObjectContent().readAllBytes();
        }
    }

    byte[] read(String key) throws Exception {
        return read(download(key));
    }

    void holds(String key, byte[] content) throws Exception {
        Kit.same(read(key), content, "the content of " + key);
    }

    void holds(String key, String content) throws Exception {
        Kit.same(Kit.text(read(key)), content, "the content of " + key);
    }

    ObjectMetadata head(String key) {
        return client.getObjectMetadata(name, key);
    }

    List<String> keys(String prefix) {
        return client.listObjects(name, prefix).getObjectSummaries().stream().map(COSObjectSummary::getKey).toList();
    }

    /** The URL of an object that is not signed. */
    String address(String key) {
        return client.getObjectUrl(name, key).toString();
    }
}
