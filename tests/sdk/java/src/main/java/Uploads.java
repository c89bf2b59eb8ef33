import com.fasterxml.jackson.databind.JsonNode;
import com.qcloud.cos.COSClient;
import com.qcloud.cos.model.*;
import com.qcloud.cos.transfer.PersistableUpload;
import com.qcloud.cos.utils.Base64;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Uploads in one piece and in parts, and those that go on after an end. */
final class Uploads {

    private static final int LARGE = 8 * Kit.MIB + 7;

    private static final List<Integer> ALL_PARTS = List.of(1, 2, 3, 4, 5, 6, 7, 8, 9);

    private Uploads() {}

    static void onePiece() throws Exception {
        TestBucket bucket = TestBucket.made("one-piece");
        COSClient client = bucket.client();
        byte[] content = Kit.bytesOf(100_000);
        PutObjectResult result = client.putObject(bucket.name(), "file", Kit.fileOf(100_000).toFile());
        Kit.same(result.getETag(), Kit.etagOf(content), "putObject: the ETag");
        Kit.same(result.getCrc64Ecma(), Kit.crcOf(content), "putObject: the CRC");
        Kit.same(result.getVersionId(), null, "putObject: the version");
        Kit.check(!result.getRequestId().isEmpty(), "putObject: the request id");
        bucket.holds("file", content);

        String odd = "folder/a b+c&d=e%2F?#'中文.txt";
        client.putObject(bucket.name(), odd, "text of 中文");
        bucket.holds(odd, "text of 中文");
        Kit.same(bucket.head(odd).getContentType(), "text/plain", "putObject of a text: the type");
        bucket.put("empty", "");
        bucket.holds("empty", "");
        Kit.check(client.doesObjectExist(bucket.name(), "empty"), "the empty object is there");

        // Without a length, the SDK sends it in chunks.
        client.putObject(bucket.name(), "chunks", new ByteArrayInputStream(content), new ObjectMetadata());
        bucket.holds("chunks", content);

        described(bucket);
        unwanted(bucket);
        client.deleteObject(bucket.name(), odd);
        Kit.check(!client.doesObjectExist(bucket.name(), odd), "deleteObject");
        Kit.refused(404, "NoSuchKey", "getObject of nothing", () -> bucket.read(odd));
        Kit.refused(404, Kit.MISSING, "getObjectMetadata of nothing", () -> bucket.head(odd));
    }

    private static void described(TestBucket bucket) throws Exception {
        byte[] content = Kit.bytes("described");
        Date expires = new Date(1_900_000_000_000L);
        PutObjectRequest request = bucket.upload("described", content);
        request.setStorageClass(Kit.classOf(StorageClass.Standard_IA));
        ObjectMetadata put = request.getMetadata();
        put.setContentType("text/x-described");
        put.setCacheControl("max-age=60");
        put.setContentDisposition("attachment; filename=\"d.txt\"");
        put.setContentLanguage("zh-CN");
        put.setContentEncoding("x-none");
        put.setHttpExpiresDate(expires);
        put.setUserMetadata(Map.of("one", "1", "words", "two words"));
        bucket.client().putObject(request);

        ObjectMetadata read = bucket.head("described");
        Kit.same(read.getContentLength(), (long) content.length, "the length");
        Kit.same(read.getETag(), Kit.etagOf(content), "the ETag");
        Kit.same(read.getCrc64Ecma(), Kit.crcOf(content), "the CRC");
        Kit.same(read.getContentType(), "text/x-described", "the type");
        Kit.same(read.getCacheControl(), "max-age=60", "Cache-Control");
        Kit.same(read.getContentDisposition(), "attachment; filename=\"d.txt\"", "Content-Disposition");
        Kit.same(read.getContentLanguage(), "zh-CN", "Content-Language");
        Kit.same(read.getContentEncoding(), "x-none", "Content-Encoding");
        Kit.same(read.getHttpExpiresDate(), expires, "Expires");
        Kit.same(read.getUserMetadata(), Map.of("one", "1", "words", "two words"), "the metadata");
        Kit.same(read.getStorageClassEnum(), StorageClass.Standard_IA, "the storage class");
        Kit.check(System.currentTimeMillis() - read.getLastModified().getTime() < 60_000, "the time of change");

        ObjectMetadata changed = new ObjectMetadata();
        changed.setUserMetadata(Map.of("three", "3"));
        bucket.client().updateObjectMetaData(bucket.name(), "described", changed);
        Kit.same(bucket.head("described").getUserMetadata(), Map.of("three", "3"), "updateObjectMetaData");
        bucket.holds("described", "described");
    }

    private static void unwanted(TestBucket bucket) throws Exception {
        PutObjectRequest wrong = bucket.upload("wrong", Kit.bytes("content"));
        wrong.getMetadata().setContentMD5(Base64.encodeAsString(Kit.md5(Kit.bytes("other content"))));
        Kit.refused(400, "BadDigest", "a digest of other content", () -> bucket.client().putObject(wrong));
        PutObjectRequest again = bucket.upload("file", Kit.bytes("again"));
        again.putCustomRequestHeader("x-cos-forbid-overwrite", "true");
        Kit.refused(409, "FileAlreadyExists", "an overwrite", () -> bucket.client().putObject(again));
        Kit.check(!bucket.client().doesObjectExist(bucket.name(), "wrong"), "what was refused is not stored");
    }

    /** The SDK can ask before each upload whether it would be taken. */
    static void preflight() throws Exception {
        TestBucket made = TestBucket.made("preflight");
        TestBucket bucket =
                new TestBucket(Kit.client(Kit.OWNED, config -> config.setForcePreflight(true)), made.name());
        File file = Kit.fileOf(1_000).toFile();
        // Of a stream whose length is known, the SDK signs the length and then sends none with its question.
        bucket.client().putObject(bucket.name(), "key", file);
        bucket.holds("key", Kit.bytesOf(1_000));
        Kit.same(Kit.journal("PreflightObject", bucket.name(), "key").size(), 1, "questions before the upload");
        String none = "java-no-bucket-" + Kit.APPID;
        Kit.refused(404, Kit.MISSING, "a question to no bucket", () -> bucket.client().putObject(none, "key", file));
    }

    static void inParts() throws Exception {
        TestBucket bucket = TestBucket.made("in-parts");
        byte[] content = Kit.bytesOf(LARGE);
        Kit.transfers(bucket.client(), manager -> {
            PutObjectRequest request = new PutObjectRequest(bucket.name(), "large", Kit.fileOf(LARGE).toFile());
            request.setMetadata(new ObjectMetadata());
            request.getMetadata().addUserMetadata("from", "file");
            UploadResult result = manager.upload(request).waitForUploadResult();
            Kit.check(result.getETag().endsWith("-9"), "the ETag of 9 parts: " + result.getETag());
            Kit.same(result.getCrc64Ecma(), Kit.crcOf(content), "upload: the CRC");
            Kit.same(bucket.head("large").getETag(), result.getETag(), "the ETag of a read");
            Kit.same(bucket.head("large").getUserMetadata(), Map.of("from", "file"), "the metadata");
            bucket.holds("large", content);

            // A stream goes part by part, in its order.
            manager.upload(bucket.upload("stream", content)).waitForUploadResult();
            bucket.holds("stream", content);
            String small = manager.upload(bucket.upload("small", Kit.bytes("small"))).waitForUploadResult().getETag();
            Kit.same(small, Kit.etagOf(Kit.bytes("small")), "the ETag of an upload in one piece");
        });
        Kit.same(partsSent(bucket, "large"), ALL_PARTS, "the parts of the file");
        Kit.same(partsSent(bucket, "stream"), ALL_PARTS, "the parts of the stream");
        Kit.same(partsSent(bucket, "small"), List.of(), "the parts of the small object");
    }

    static void partsByHand() throws Exception {
        TestBucket bucket = TestBucket.made("by-hand");
        COSClient client = bucket.client();
        byte[] last = Kit.bytes("the last part");
        String upload = begun(bucket, "key");
        List<PartETag> parts = new ArrayList<>();
        for (int number : List.of(1, 2)) {
            UploadPartResult part = part(bucket, "key", upload, number, Kit.bytesOf(Kit.MIB));
            Kit.same(part.getETag(), Kit.etagOf(Kit.bytesOf(Kit.MIB)), "uploadPart: the ETag");
            Kit.same(part.getCrc64Ecma(), Kit.crcOf(Kit.bytesOf(Kit.MIB)), "uploadPart: the CRC");
            parts.add(part.getPartETag());
        }
        parts.add(part(bucket, "key", upload, 3, last).getPartETag());
        listed(bucket, upload);

        List<PartETag> wrong = List.of(parts.get(0), new PartETag(2, Kit.etagOf(last)));
        Kit.refused(400, "InvalidPart", "a wrong ETag", () -> completed(bucket, "key", upload, wrong));
        CompleteMultipartUploadResult result = completed(bucket, "key", upload, parts);
        Kit.same(result.getKey(), "key", "completeMultipartUpload: the key");
        Kit.same(result.getBucketName(), bucket.name(), "completeMultipartUpload: the bucket");
        Kit.same(result.getETag(), bucket.head("key").getETag(), "completeMultipartUpload: the ETag");
        Kit.same(result.getCrc64Ecma(), bucket.head("key").getCrc64Ecma(), "completeMultipartUpload: the CRC");
        Kit.same(bucket.head("key").getContentLength(), 2L * Kit.MIB + last.length, "the length of all parts");
        Kit.refused(404, "NoSuchUpload", "a second completion", () -> completed(bucket, "key", upload, parts));

        String little = begun(bucket, "little");
        List<PartETag> littles = new ArrayList<>();
        for (int number : List.of(1, 2)) {
            littles.add(part(bucket, "little", little, number, last).getPartETag());
        }
        Kit.refused(400, "EntityTooSmall", "little parts", () -> completed(bucket, "little", little, littles));
        client.abortMultipartUpload(new AbortMultipartUploadRequest(bucket.name(), "little", little));
        Kit.refused(404, "NoSuchUpload", "a part after the abort", () -> part(bucket, "little", little, 1, last));
        uploadsListed(bucket);
    }

    private static void listed(TestBucket bucket, String upload) {
        ListPartsRequest request = new ListPartsRequest(bucket.name(), "key", upload);
        request.setMaxParts(2);
        PartListing page = bucket.client().listParts(request);
        Kit.check(page.isTruncated(), "listParts: there is more");
        Kit.same(page.getNextPartNumberMarker(), 2, "listParts: the marker");
        Kit.same(page.getKey() + page.getUploadId(), "key" + upload, "listParts: the upload");
        Kit.same(page.getOwner().getId(), Kit.OWNER, "listParts: the owner");
        List<PartSummary> parts = new ArrayList<>(page.getParts());
        request.setPartNumberMarker(page.getNextPartNumberMarker());
        parts.addAll(bucket.client().listParts(request).getParts());
        Kit.same(parts.stream().map(PartSummary::getPartNumber).toList(), List.of(1, 2, 3), "listParts: the numbers");
        Kit.same(parts.get(0).getSize(), (long) Kit.MIB, "listParts: the size");
    }

    private static void uploadsListed(TestBucket bucket) {
        List<String> keys = List.of("a/1", "a/2", "b 中文", "c");
        keys.forEach(key -> begun(bucket, key));
        ListMultipartUploadsRequest request = new ListMultipartUploadsRequest(bucket.name());
        request.setMaxUploads(3);
        MultipartUploadListing page = bucket.client().listMultipartUploads(request);
        Kit.check(page.isTruncated(), "listMultipartUploads: there is more");
        List<MultipartUpload> uploads = new ArrayList<>(page.getMultipartUploads());
        request.setKeyMarker(page.getNextKeyMarker());
        request.setUploadIdMarker(page.getNextUploadIdMarker());
        uploads.addAll(bucket.client().listMultipartUploads(request).getMultipartUploads());
        Kit.same(uploads.stream().map(MultipartUpload::getKey).toList(), keys, "listMultipartUploads");
        Kit.same(uploads.get(0).getOwner().getId(), Kit.OWNER, "listMultipartUploads: the owner");
        ListMultipartUploadsRequest folders = new ListMultipartUploadsRequest(bucket.name());
        folders.setDelimiter("/");
        Kit.same(bucket.client().listMultipartUploads(folders).getCommonPrefixes(), List.of("a/"), "folders of uploads");
    }

    static void folders() throws Exception {
        TestBucket bucket = TestBucket.made("folders");
        Path root = Files.createDirectories(Kit.folder.resolve("tree/inner")).getParent();
        Files.writeString(root.resolve("one"), "1");
        Files.writeString(root.resolve("inner/two"), "2");
        Path copy = Kit.folder.resolve("tree-copy");
        Kit.transfers(bucket.client(), manager -> {
            manager.uploadDirectory(bucket.name(), "tree", root.toFile(), true).waitForCompletion();
            Kit.same(bucket.keys(null), List.of("tree/inner/two", "tree/one"), "uploadDirectory");
            manager.downloadDirectory(bucket.name(), "tree", copy.toFile()).waitForCompletion();
            Kit.same(Files.readString(copy.resolve("tree/inner/two")), "2", "downloadDirectory");
            Kit.same(Files.readString(copy.resolve("tree/one")), "1", "downloadDirectory");
            begun(bucket, "unfinished");
            manager.abortMultipartUploads(bucket.name(), Kit.inAnHour());
        });
        MultipartUploadListing left = bucket.client().listMultipartUploads(new ListMultipartUploadsRequest(bucket.name()));
        Kit.same(left.getMultipartUploads(), List.of(), "abortMultipartUploads");
    }

    /** The upload of a process that was killed is gone on with, and what was there is not sent again. */
    static void killed() throws Exception {
        TestBucket bucket = TestBucket.made("killed-upload");
        Path file = Kit.fileOf(LARGE);
        Killed.run("upload", bucket, "large", file);
        List<Integer> before = partsSent(bucket, "large");
        Kit.check(before.size() >= 3 && before.size() < 9, "parts before the kill: " + before);
        Kit.transfers(bucket.client(), manager -> {
            PutObjectRequest request = new PutObjectRequest(bucket.name(), "large", file.toFile());
            request.setEnableResumableUpload(true);
            manager.upload(request).waitForUploadResult();
        });
        bucket.holds("large", Kit.bytesOf(LARGE));
        List<Integer> both = partsSent(bucket, "large");
        Kit.same(both.stream().distinct().toList(), ALL_PARTS, "the parts of both uploads");
        // What the killed process had handed to its kernel may arrive at any time, and the second one cannot know of it.
        Kit.same(both.stream().filter(before::contains).toList(), before, "the parts that were there, each sent once");
        Kit.same(Kit.journal("InitiateMultipartUpload", bucket.name(), "large").size(), 1, "uploads begun");
    }

    /** What {@code Upload.pause} hands out is enough to go on with. */
    static void paused() throws Exception {
        TestBucket bucket = TestBucket.made("paused-upload");
        Path file = Kit.fileOf(LARGE);
        String upload = begun(bucket, "large");
        byte[] content = Kit.bytesOf(LARGE);
        part(bucket, "large", upload, 1, java.util.Arrays.copyOf(content, Kit.MIB));
        PersistableUpload note =
                new PersistableUpload(bucket.name(), "large", file.toString(), upload, Kit.MIB, Kit.MIB);
        PersistableUpload read = PersistableUpload.deserializeFrom(note.serialize());
        Kit.transfers(bucket.client(), manager -> manager.resumeUpload(read).waitForUploadResult());
        bucket.holds("large", content);
        Kit.same(partsSent(bucket, "large"), ALL_PARTS, "the parts, each sent once");
    }

    private static String begun(TestBucket bucket, String key) {
        return bucket.client()
                .initiateMultipartUpload(new InitiateMultipartUploadRequest(bucket.name(), key))
                .getUploadId();
    }

    private static UploadPartResult part(TestBucket bucket, String key, String upload, int number, byte[] content) {
        UploadPartRequest request = new UploadPartRequest();
        request.setBucketName(bucket.name());
        request.setKey(key);
        request.setUploadId(upload);
        request.setPartNumber(number);
        request.setPartSize(content.length);
        request.setInputStream(new ByteArrayInputStream(content));
        return bucket.client().uploadPart(request);
    }

    /** The SDK puts the list that it is given in order. */
    private static CompleteMultipartUploadResult completed(
            TestBucket bucket, String key, String upload, List<PartETag> parts) {
        List<PartETag> own = new ArrayList<>(parts);
        return bucket.client()
                .completeMultipartUpload(new CompleteMultipartUploadRequest(bucket.name(), key, upload, own));
    }

    private static List<Integer> partsSent(TestBucket bucket, String key) throws Exception {
        Stream<JsonNode> exchanges = Kit.journal("UploadPart", bucket.name(), key).stream();
        return exchanges.map(exchange -> exchange.get("part").asInt()).sorted().toList();
    }
}
