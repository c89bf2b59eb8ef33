import com.qcloud.cos.COSClient;
import com.qcloud.cos.model.*;
import com.qcloud.cos.model.DeleteObjectsRequest.KeyVersion;
import com.qcloud.cos.model.DeleteObjectsResult.DeletedObject;
import java.util.ArrayList;
import java.util.List;

/** Versions of objects. */
final class Versions {

    private Versions() {}

    static void versions() throws Exception {
        TestBucket bucket = TestBucket.made("versions");
        COSClient client = bucket.client();
        Kit.same(status(bucket), BucketVersioningConfiguration.OFF, "versioning that was never on");
        bucket.versioning(BucketVersioningConfiguration.ENABLED);
        Kit.same(status(bucket), BucketVersioningConfiguration.ENABLED, "versioning");
        String first = bucket.put("key", "first").getVersionId();
        String second = bucket.put("key", "second").getVersionId();
        Kit.check(first != null && second != null && !first.equals(second), "two versions");
        bucket.holds("key", "second");
        Kit.same(Kit.text(bucket.read(version(bucket, first))), "first", "a read of the older version");
        GetObjectMetadataRequest head = new GetObjectMetadataRequest(bucket.name(), "key", first);
        Kit.same(client.getObjectMetadata(head).getVersionId(), first, "the version of a HEAD");

        client.deleteObject(bucket.name(), "key");
        Kit.refused(404, "NoSuchKey", "a read behind a delete marker", () -> bucket.read("key"));
        Kit.check(!client.doesObjectExist(bucket.name(), "key"), "a HEAD behind a delete marker");
        List<COSVersionSummary> all = listed(bucket, null);
        Kit.same(all.size(), 3, "versions in the list");
        Kit.check(all.get(0).isDeleteMarker() && all.get(0).isLatest(), "the marker is the latest");
        Kit.same(all.stream().skip(1).map(COSVersionSummary::getVersionId).toList(), List.of(second, first), "the order");
        Kit.check(!all.get(1).isLatest() && !all.get(1).isDeleteMarker(), "a version is no marker");
        Kit.same(all.get(2).getSize() + all.get(2).getETag(), 5 + Kit.etagOf(Kit.bytes("first")), "what a list says");
        Kit.same(all.get(2).getOwner().getId(), Kit.APPID, "the owner that a list says");

        CopyObjectRequest back = new CopyObjectRequest(bucket.name(), "key", bucket.name(), "back");
        back.setSourceVersionId(first);
        String copied = client.copyObject(back).getVersionId();
        bucket.holds("back", "first");
        Kit.same(bucket.head("back").getVersionId(), copied, "the version of a copy");

        client.deleteVersion(bucket.name(), "key", all.get(0).getVersionId());
        bucket.holds("key", "second");
        client.deleteVersion(bucket.name(), "key", second);
        bucket.holds("key", "first");
        Kit.refused(404, "NoSuchVersion", "a removed version", () -> bucket.read(version(bucket, second)));
        pages(bucket);
    }

    private static void pages(TestBucket bucket) throws Exception {
        List<String> ids = new ArrayList<>();
        for (int at = 0; at < 5; at++) {
            ids.add(0, bucket.put("many 中文", "" + at).getVersionId());
        }
        List<COSVersionSummary> listed = new ArrayList<>();
        ListVersionsRequest request = new ListVersionsRequest();
        request.setBucketName(bucket.name());
        request.setPrefix("many");
        request.setMaxResults(2);
        VersionListing page = bucket.client().listVersions(request);
        listed.addAll(page.getVersionSummaries());
        while (page.isTruncated()) {
            page = bucket.client().listNextBatchOfVersions(page);
            listed.addAll(page.getVersionSummaries());
        }
        Kit.same(listed.stream().map(COSVersionSummary::getVersionId).toList(), ids, "versions in pages");

        DeleteObjectsRequest some = new DeleteObjectsRequest(bucket.name());
        some.setKeys(List.of(new KeyVersion("many 中文", ids.get(4)), new KeyVersion("many 中文")));
        List<DeletedObject> gone = bucket.client().deleteObjects(some).getDeletedObjects();
        Kit.same(gone.get(0).getVersionId(), ids.get(4), "deleteObjects of a version");
        Kit.check(gone.get(1).isDeleteMarker(), "deleteObjects makes a marker");
        String marker = gone.get(1).getDeleteMarkerVersionId();
        Kit.same(listed(bucket, "many").get(0).getVersionId(), marker, "the marker that was made");
        Kit.same(listed(bucket, "many").size(), 5, "versions that are left");
    }

    static void suspended() throws Exception {
        TestBucket bucket = TestBucket.made("suspended");
        bucket.put("key", "before");
        bucket.versioning(BucketVersioningConfiguration.ENABLED);
        String kept = bucket.put("key", "kept").getVersionId();
        bucket.versioning(BucketVersioningConfiguration.SUSPENDED);
        Kit.same(status(bucket), BucketVersioningConfiguration.SUSPENDED, "versioning");
        bucket.put("key", "after");
        bucket.put("key", "after that");
        List<String> ids = listed(bucket, null).stream().map(COSVersionSummary::getVersionId).toList();
        Kit.same(ids, List.of("null", kept), "what is put then takes the place of the version null");
        Kit.same(Kit.text(bucket.read(version(bucket, "null"))), "after that", "the version null");
    }

    private static String status(TestBucket bucket) {
        return bucket.client().getBucketVersioningConfiguration(bucket.name()).getStatus();
    }

    private static GetObjectRequest version(TestBucket bucket, String id) {
        return new GetObjectRequest(bucket.name(), "key", id);
    }

    private static List<COSVersionSummary> listed(TestBucket bucket, String prefix) {
        return bucket.client().listVersions(bucket.name(), prefix).getVersionSummaries();
    }
}
