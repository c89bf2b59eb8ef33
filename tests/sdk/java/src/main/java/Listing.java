import com.qcloud.cos.COSClient;
import com.qcloud.cos.model.COSObjectSummary;
import com.qcloud.cos.model.DeleteObjectsRequest;
import com.qcloud.cos.model.DeleteObjectsResult;
import com.qcloud.cos.model.ListObjectsRequest;
import com.qcloud.cos.model.ObjectListing;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Lists of many keys and of folders, and the removal of many. */
final class Listing {

    private static final int MANY = 2_500;

    private Listing() {}

    static void listing() throws Exception {
        TestBucket bucket = TestBucket.made("listing");
        List<String> keys = IntStream.range(0, MANY).mapToObj("key-%04d"::formatted).toList();
        Kit.inParallel(keys, key -> bucket.put(key, ""));
        List<ObjectListing> pages = pages(bucket.client(), bucket.client().listObjects(bucket.name()));
        Kit.same(pages.size(), 3, "pages of 1000 keys");
        Kit.same(keysOf(pages), keys, "all keys, in their order");
        COSObjectSummary first = pages.get(0).getObjectSummaries().get(0);
        Kit.same(first.getETag() + first.getSize(), Kit.etagOf(new byte[0]) + "0", "what a list says of an object");
        Kit.same(first.getStorageClass(), "STANDARD", "the class that a list says");
        Kit.same(first.getOwner().getId(), Kit.APPID, "the owner that a list says");
        Kit.same(first.getBucketName(), bucket.name(), "the bucket of a list");

        ListObjectsRequest request = new ListObjectsRequest(bucket.name(), "key-01", "key-0150", null, 7);
        List<ObjectListing> small = pages(bucket.client(), bucket.client().listObjects(request));
        Kit.same(small.size(), 7, "pages of 7 keys");
        Kit.same(keysOf(small), keys.subList(151, 200), "the keys of a prefix after a marker");
        removed(bucket, keys);
    }

    private static void removed(TestBucket bucket, List<String> keys) {
        for (int from = 0; from < MANY; from += 1000) {
            List<String> some = keys.subList(from, Math.min(from + 1000, MANY));
            DeleteObjectsRequest request = new DeleteObjectsRequest(bucket.name()).withKeys(some.toArray(String[]::new));
            DeleteObjectsResult result = bucket.client().deleteObjects(request);
            Kit.same(
                    result.getDeletedObjects().stream().map(DeleteObjectsResult.DeletedObject::getKey).toList(), some,
                    "deleteObjects");
        }
        Kit.same(bucket.keys(null), List.of(), "what is left");
        String odd = "a<b>&'中文\"";
        bucket.put(odd, "");
        DeleteObjectsRequest quiet = new DeleteObjectsRequest(bucket.name()).withQuiet(true).withKeys(odd, "none");
        Kit.same(bucket.client().deleteObjects(quiet).getDeletedObjects(), List.of(), "deleteObjects, quietly");
        Kit.same(bucket.keys(null), List.of(), "what is left of an odd key");
    }

    static void folders() throws Exception {
        TestBucket bucket = TestBucket.made("list-folders");
        List<String> keys = List.of("a b/1+1", "a b/2", "a b/inner/3", "b", "中文/4&5", "中文/\t%20");
        Kit.inParallel(keys, key -> bucket.put(key, key));
        ObjectListing top = bucket.client().listObjects(new ListObjectsRequest(bucket.name(), null, null, "/", null));
        Kit.same(top.getCommonPrefixes(), List.of("a b/", "中文/"), "the folders");
        Kit.same(keysOf(List.of(top)), List.of("b"), "the keys in no folder");
        Kit.same(top.getDelimiter(), "/", "the delimiter");
        ObjectListing inner = bucket.client().listObjects(new ListObjectsRequest(bucket.name(), "a b/", null, "/", null));
        Kit.same(inner.getCommonPrefixes(), List.of("a b/inner/"), "the folders of a folder");
        Kit.same(keysOf(List.of(inner)), List.of("a b/1+1", "a b/2"), "the keys of a folder");
        Kit.same(inner.getPrefix(), "a b/", "the prefix");
        Kit.same(bucket.keys("中文/"), List.of("中文/\t%20", "中文/4&5"), "odd keys");
        // Keys as they are, not encoded for a URL, where XML can bear them.
        ListObjectsRequest raw = new ListObjectsRequest(bucket.name(), "a b", null, null, null);
        raw.setEncodingType("");
        Kit.same(keysOf(List.of(bucket.client().listObjects(raw))), keys.subList(0, 3), "keys that are not encoded");

        ListObjectsRequest request = new ListObjectsRequest(bucket.name(), null, null, "/", 1);
        List<ObjectListing> pages = pages(bucket.client(), bucket.client().listObjects(request));
        Kit.same(pages.size(), 3, "pages of one folder or key");
        Kit.same(pages.get(2).getCommonPrefixes(), List.of("中文/"), "the last page");
        for (String key : keys) {
            bucket.holds(key, key);
        }
    }

    private static List<ObjectListing> pages(COSClient client, ObjectListing first) {
        List<ObjectListing> pages = new ArrayList<>(List.of(first));
        for (ObjectListing page = first; page.isTruncated(); ) {
            page = client.listNextBatchOfObjects(page);
            pages.add(page);
        }
        return pages;
    }

    private static List<String> keysOf(List<ObjectListing> pages) {
        return pages.stream()
                .flatMap(page -> page.getObjectSummaries().stream())
                .map(COSObjectSummary::getKey)
                .toList();
    }
}
