import com.qcloud.cos.COSClient;
import com.qcloud.cos.model.*;
import com.qcloud.cos.model.RenameRequest;
import com.qcloud.cos.model.Tag.Tag;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.stream.Collectors;

/** Tags, and the objects of another kind: appended ones, archived ones and links. */
final class ObjectKinds {

    private ObjectKinds() {}

    static void tags() throws Exception {
        TestBucket bucket = TestBucket.versioned("tags");
        COSClient client = bucket.client();
        String first = bucket.put("key", "content").getVersionId();
        bucket.put("key", "other content");
        Kit.same(tagsOf(bucket, null), "", "no tags");
        List<Tag> tags = List.of(new Tag("one", "1"), new Tag("two words", "a+b=c:/@"));
        client.setObjectTagging(new SetObjectTaggingRequest(bucket.name(), "key", new ObjectTagging(tags)));
        Kit.same(tagsOf(bucket, null), "one=1, two words=a+b=c:/@", "setObjectTagging");
        Kit.same(tagsOf(bucket, first), "", "the tags of an older version");
        ObjectTagging old = new ObjectTagging(List.of(new Tag("old", "yes")));
        client.setObjectTagging(new SetObjectTaggingRequest(bucket.name(), "key", first, old));
        Kit.same(tagsOf(bucket, first), "old=yes", "setObjectTagging of a version");
        client.deleteObjectTagging(new DeleteObjectTaggingRequest(bucket.name(), "key"));
        Kit.same(tagsOf(bucket, null), "", "deleteObjectTagging");
        PutObjectRequest tagged = bucket.upload("key", Kit.bytes("tagged"));
        tagged.getMetadata().setHeader("x-cos-tagging", "by=header&x=%20y");
        client.putObject(tagged);
        Kit.same(tagsOf(bucket, null), "by=header, x= y", "tags in a header");
        Kit.refused(404, "NoSuchKey", "tags of nothing", () -> client.getObjectTagging(
                new GetObjectTaggingRequest(bucket.name(), "none")));
    }

    private static String tagsOf(TestBucket bucket, String version) {
        GetObjectTaggingRequest request = new GetObjectTaggingRequest(bucket.name(), "key").withVersionId(version);
        GetObjectTaggingResult result = bucket.client().getObjectTagging(request);
        return result.getTagSet().stream().map(tag -> tag.getKey() + "=" + tag.getValue()).collect(Collectors.joining(", "));
    }

    static void appended() throws Exception {
        TestBucket bucket = TestBucket.made("appended");
        Kit.same(append(bucket, "key", 0, "one").getNextAppendPosition(), 3L, "the position after one");
        Kit.same(append(bucket, "key", 3, " two").getNextAppendPosition(), 7L, "the position after two");
        bucket.holds("key", "one two");
        Kit.same(bucket.head("key").getRawMetadataValue("x-cos-object-type"), "appendable", "the type of the object");
        Kit.refused(409, "AppendPositionErr", "a wrong position", () -> append(bucket, "key", 3, " three"));
        bucket.put("normal", "content");
        Kit.refused(409, "ObjectNotAppendable", "an append to a normal object", () -> append(bucket, "normal", 7, "more"));
        bucket.holds("key", "one two");
    }

    private static AppendObjectResult append(TestBucket bucket, String key, long position, String content) {
        ObjectMetadata metadata = new ObjectMetadata();
        metadata.setContentLength(content.length());
        ByteArrayInputStream stream = new ByteArrayInputStream(Kit.bytes(content));
        AppendObjectRequest request = new AppendObjectRequest(bucket.name(), key, stream, metadata);
        return bucket.client().appendObject(request.withPosition(position));
    }

    static void archived() throws Exception {
        TestBucket bucket = TestBucket.made("archived");
        COSClient client = bucket.client();
        client.putObject(bucket.upload("key", Kit.bytes("content")).withStorageClass(Kit.classOf(StorageClass.Archive)));
        Kit.same(bucket.head("key").getStorageClassEnum(), StorageClass.Archive, "the class");
        Kit.refused(403, "InvalidObjectState", "a read of what is archived", () -> bucket.read("key"));
        RestoreObjectRequest request = new RestoreObjectRequest(bucket.name(), "key", 3);
        request.setCASJobParameters(new CASJobParameters().withTier(Tier.Expedited));
        client.restoreObject(request);
        Kit.same(bucket.head("key").getOngoingRestore(), true, "a restore is under way");
        Kit.refused(409, "RestoreAlreadyInProgress", "a second restore", () -> client.restoreObject(request));
        Kit.refused(403, "InvalidObjectState", "a read before it is restored", () -> bucket.read("key"));
        bucket.put("normal", "content");
        Kit.refused(
                405, "RestoreNonArchiveObject", "a restore of what is not archived",
                () -> client.restoreObject(bucket.name(), "normal", 1));
    }

    static void symlinks() throws Exception {
        TestBucket bucket = TestBucket.made("symlinks");
        COSClient client = bucket.client();
        bucket.put("target", "content");
        String etag = client.putSymlink(new PutSymlinkRequest(bucket.name(), "link", "target")).getETag();
        Kit.check(!etag.isEmpty(), "the ETag of a link");
        GetSymlinkResult link = client.getSymlink(new GetSymlinkRequest(bucket.name(), "link", null));
        Kit.same(link.getTarget(), "target", "getSymlink");
        bucket.holds("link", "content");
        bucket.put("target", "other content");
        bucket.holds("link", "other content");
        Kit.refused(404, "NoSuchKey", "a link that is not there", () -> client.getSymlink(
                new GetSymlinkRequest(bucket.name(), "none", null)));
    }

    /** What the emulator says that it does not do. */
    static void notEmulated() throws Exception {
        TestBucket bucket = TestBucket.made("not-emulated");
        bucket.put("key", "a,b");
        Kit.refused(501, "NotImplemented", "a bucket in several zones", () -> bucket.client().createMAZBucket(
                new CreateBucketRequest("java-zones-" + Kit.APPID)));
        SelectObjectContentRequest select = new SelectObjectContentRequest();
        select.setBucketName(bucket.name());
        select.setKey("key");
        select.setExpressionType(ExpressionType.SQL);
        select.setExpression("SELECT * FROM COSObject");
        select.setInputSerialization(new InputSerialization().withCsv(new CSVInput()));
        select.setOutputSerialization(new OutputSerialization().withCsv(new CSVOutput()));
        Kit.refused(501, "NotImplemented", "a selection", () -> bucket.client().selectObjectContent(select));
        RenameRequest rename = new RenameRequest(bucket.name(), "key", "renamed");
        Kit.refused(501, "NotImplemented", "a rename", () -> bucket.client().rename(rename));
    }
}
