import com.qcloud.cos.COSClient;
import com.qcloud.cos.model.*;
import java.util.ArrayList;
import java.util.List;

/** Making, finding and removing buckets. */
final class Buckets {

    private Buckets() {}

    static void buckets() throws Exception {
        TestBucket bucket = TestBucket.named("buckets");
        COSClient client = bucket.client();
        Kit.check(!client.doesBucketExist(bucket.name()), "the bucket is not there yet");
        Kit.same(client.createBucket(bucket.name()).getName(), bucket.name(), "createBucket");
        Kit.check(client.doesBucketExist(bucket.name()), "the bucket is there");
        Kit.same(client.headBucket(new HeadBucketRequest(bucket.name())).getBucketRegion(), Kit.REGION, "headBucket");
        Kit.same(client.getBucketLocation(bucket.name()), Kit.REGION, "getBucketLocation");
        Kit.refused(409, "BucketAlreadyOwnedByYou", "a second createBucket", () -> client.createBucket(bucket.name()));
        inList(client, bucket.name());
        pages(client);
        bucket.put("key", "content");
        Kit.refused(409, "BucketNotEmpty", "deleteBucket", () -> client.deleteBucket(bucket.name()));
        client.deleteObject(bucket.name(), "key");
        client.deleteBucket(bucket.name());
        Kit.check(!client.doesBucketExist(bucket.name()), "the bucket is gone");
        Kit.refused(404, "NoSuchBucket", "a list of no bucket", () -> client.listObjects(bucket.name()));
        Kit.refused(404, "NoSuchBucket", "deleteBucket of none", () -> client.deleteBucket(bucket.name()));
        CreateBucketRequest open = new CreateBucketRequest(bucket.name()).withCannedAcl(CannedAccessControlList.PublicRead);
        client.createBucket(open);
        Kit.same(
                client.getBucketAcl(bucket.name()).getCannedAccessControl(), CannedAccessControlList.PublicRead,
                "the list of a bucket made public");
    }

    private static void inList(COSClient client, String name) {
        for (Bucket each : client.listBuckets()) {
            if (each.getName().equals(name)) {
                Kit.same(each.getLocation(), Kit.REGION, "listBuckets: the location");
                long age = System.currentTimeMillis() - each.getCreationDate().getTime();
                Kit.check(age < 60_000, "listBuckets: the date");
                return;
            }
        }
        throw new Kit.Failed("listBuckets: " + name + " is not in it");
    }

    private static void pages(COSClient client) {
        List<String> names = new ArrayList<>();
        ListBucketsRequest request = new ListBucketsRequest();
        request.setMaxKeys(1);
        ListBucketsResult page;
        do {
            page = client.getService(request);
            Kit.same(page.getBuckets().size(), 1, "getService: the buckets of a page");
            names.add(page.getBuckets().get(0).getName());
            request.setMarker(page.getNextMarker());
        } while (page.isTruncated());
        Kit.same(names, client.listBuckets().stream().map(Bucket::getName).toList(), "getService: all pages");
        Kit.same(page.getBucketOwner().getId(), Kit.OWNER, "getService: the owner");
    }
}
