import com.qcloud.cos.COSClient;
import com.qcloud.cos.model.*;
import java.util.Arrays;
import java.util.Date;
import java.util.Map;

/** Copies in one piece and in parts. */
final class Copies {

    private Copies() {}

    static void copies() throws Exception {
        TestBucket from = TestBucket.made("copies-from");
        TestBucket to = TestBucket.made("copies-to");
        COSClient client = from.client();
        String key = "a source+中文";
        PutObjectRequest source = from.upload(key, Kit.bytes("content"));
        source.getMetadata().setUserMetadata(Map.of("kept", "yes"));
        source.getMetadata().setContentType("text/kept");
        client.putObject(source);

        CopyObjectResult result = client.copyObject(from.name(), key, to.name(), "copy");
        Kit.same(result.getETag(), Kit.etagOf(Kit.bytes("content")), "copyObject: the ETag");
        Kit.same(result.getCrc64Ecma(), Kit.crcOf(Kit.bytes("content")), "copyObject: the CRC");
        to.holds("copy", "content");
        Kit.same(to.head("copy").getUserMetadata(), Map.of("kept", "yes"), "the metadata of a copy");
        Kit.same(to.head("copy").getContentType(), "text/kept", "the type of a copy");

        CopyObjectRequest replacing = request(from, key, to, "replaced");
        replacing.setNewObjectMetadata(new ObjectMetadata());
        replacing.getNewObjectMetadata().setUserMetadata(Map.of("new", "yes"));
        replacing.setStorageClass(Kit.classOf(StorageClass.Standard_IA));
        replacing.setCannedAccessControlList(CannedAccessControlList.PublicRead);
        client.copyObject(replacing);
        Kit.same(to.head("replaced").getUserMetadata(), Map.of("new", "yes"), "replaced metadata");
        Kit.same(to.head("replaced").getStorageClassEnum(), StorageClass.Standard_IA, "the class of a copy");
        Kit.same(
                client.getObjectAcl(to.name(), "replaced").getCannedAccessControl(), CannedAccessControlList.PublicRead,
                "the list of a copy");

        // The SDK answers null when a condition does not hold.
        String etag = Kit.etagOf(Kit.bytes("content"));
        Kit.check(client.copyObject(request(from, key, to, "if").withMatchingETagConstraint(etag)) != null, "if it matches");
        Kit.same(client.copyObject(request(from, key, to, "not").withMatchingETagConstraint("other")), null, "if not");
        Date past = new Date(1_500_000_000_000L);
        Kit.same(
                client.copyObject(request(from, key, to, "not").withUnmodifiedSinceConstraint(past)), null,
                "if it did not change since");
        Kit.check(!client.doesObjectExist(to.name(), "not"), "a copy whose condition does not hold");
        Kit.refused(404, "NoSuchCopySource", "a copy of nothing", () -> client.copyObject(request(from, "no", to, "x")));
    }

    static void inParts() throws Exception {
        TestBucket bucket = TestBucket.made("copies-in-parts");
        byte[] content = Kit.bytesOf(3 * Kit.MIB + 5);
        PutObjectRequest source = bucket.upload("source", content);
        source.getMetadata().setContentType("text/source");
        bucket.client().putObject(source);
        Kit.transfers(bucket.client(), manager -> {
            CopyResult result = manager.copy(bucket.name(), "source", bucket.name(), "copy").waitForCopyResult();
            Kit.same(result.getETag(), bucket.head("copy").getETag(), "copy in parts: the ETag");
            Kit.check(result.getETag().endsWith("-4"), "the ETag of 4 parts: " + result.getETag());
        });
        bucket.holds("copy", content);
        Kit.same(bucket.head("copy").getContentType(), "text/source", "the type of a copy in parts");
        Kit.same(Kit.journal("UploadPartCopy", bucket.name(), "copy").size(), 4, "parts that were copied");
        byHand(bucket, content);
    }

    private static void byHand(TestBucket bucket, byte[] content) throws Exception {
        COSClient client = bucket.client();
        String upload = client.initiateMultipartUpload(new InitiateMultipartUploadRequest(bucket.name(), "some"))
                .getUploadId();
        CopyPartRequest request = new CopyPartRequest();
        request.setSourceBucketName(bucket.name());
        request.setSourceKey("source");
        request.setDestinationBucketName(bucket.name());
        request.setDestinationKey("some");
        request.setUploadId(upload);
        request.setPartNumber(1);
        request.setFirstByte(100L);
        request.setLastByte(100L + Kit.MIB);
        CopyPartResult part = client.copyPart(request);
        byte[] expected = Arrays.copyOfRange(content, 100, 101 + Kit.MIB);
        Kit.same(part.getETag(), Kit.etagOf(expected), "copyPart: the ETag");
        client.completeMultipartUpload(
                new CompleteMultipartUploadRequest(bucket.name(), "some", upload, Arrays.asList(part.getPartETag())));
        bucket.holds("some", expected);
        request.setUploadId("none");
        Kit.refused(404, "NoSuchUpload", "copyPart into no upload", () -> client.copyPart(request));
    }

    private static CopyObjectRequest request(TestBucket from, String key, TestBucket to, String copy) {
        return new CopyObjectRequest(from.name(), key, to.name(), copy);
    }
}
