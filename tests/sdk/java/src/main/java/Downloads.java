import com.qcloud.cos.model.GetObjectRequest;
import com.qcloud.cos.model.ObjectMetadata;
import com.qcloud.cos.model.ResponseHeaderOverrides;
import com.qcloud.cos.transfer.PersistableDownload;
import com.qcloud.cos.transfer.TransferManager;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;

/** Reads of the whole and of ranges, and those that go on after an end. */
final class Downloads {

    private static final int LARGE = 5 * Kit.MIB + 7;

    private Downloads() {}

    static void reads() throws Exception {
        TestBucket bucket = TestBucket.made("reads");
        byte[] content = Kit.bytesOf(50_000);
        bucket.put("key", content);
        Path file = Kit.folder.resolve("read");
        ObjectMetadata metadata = bucket.client().getObject(bucket.download("key"), file.toFile());
        Kit.same(metadata.getContentLength(), 50_000L, "getObject to a file: the length");
        Kit.same(Kit.contentOf(file), content, "getObject to a file");

        GetObjectRequest middle = bucket.download("key").withRange(10, 19);
        Kit.same(bucket.read(middle), Arrays.copyOfRange(content, 10, 20), "a range");
        Kit.same(bucket.client().getObject(middle).getObjectMetadata().getInstanceLength(), 50_000L, "the whole length");
        GetObjectRequest end = bucket.download("key");
        end.setRangeStart(49_000);
        Kit.same(bucket.read(end), Arrays.copyOfRange(content, 49_000, 50_000), "a range from a byte on");
        GetObjectRequest last = bucket.download("key").withRange(-1, 7);
        Kit.same(bucket.read(last), Arrays.copyOfRange(content, 49_993, 50_000), "the last bytes");
        GetObjectRequest beyond = bucket.download("key").withRange(60_000, 60_001);
        Kit.refused(416, "InvalidRange", "a range beyond the end", () -> bucket.read(beyond));

        conditional(bucket);
        GetObjectRequest dressed = bucket.download("key");
        ResponseHeaderOverrides headers = new ResponseHeaderOverrides();
        headers.setContentType("text/dressed");
        headers.setCacheControl("no-cache");
        headers.setContentDisposition("inline");
        headers.setContentLanguage("en");
        headers.setExpires("Thu, 01 Jan 2037 00:00:00 GMT");
        dressed.setResponseHeaders(headers);
        ObjectMetadata answer = bucket.client().getObject(dressed).getObjectMetadata();
        Kit.same(answer.getContentType() + answer.getCacheControl(), "text/dressedno-cache", "headers asked for");
        Kit.same(answer.getContentDisposition() + answer.getContentLanguage(), "inlineen", "headers asked for");
        Kit.same(answer.getHttpExpiresDate(), new Date(2_114_380_800_000L), "headers asked for: Expires");
    }

    /** The SDK answers null when a condition does not hold, or throws if it is told to. */
    private static void conditional(TestBucket bucket) throws Exception {
        String etag = "\"" + bucket.head("key").getETag() + "\"";
        Date past = new Date(1_500_000_000_000L);
        Kit.check(readable(bucket, bucket.download("key").withMatchingETagConstraint(etag)), "If-Match");
        Kit.check(!readable(bucket, bucket.download("key").withMatchingETagConstraint("\"other\"")), "If-Match of another");
        Kit.check(!readable(bucket, bucket.download("key").withNonmatchingETagConstraint(etag)), "If-None-Match");
        Kit.check(readable(bucket, bucket.download("key").withModifiedSinceConstraint(past)), "If-Modified-Since");
        Kit.check(!readable(bucket, bucket.download("key").withUnmodifiedSinceConstraint(past)), "If-Unmodified-Since");
        Kit.check(
                !readable(bucket, bucket.download("key").withModifiedSinceConstraint(new Date())),
                "If-Modified-Since of now");
        TestBucket strict = new TestBucket(
                Kit.client(Kit.OWNED, config -> {
                    config.setThrow412Directly(true);
                    config.setThrow304Directly(true);
                }),
                bucket.name());
        GetObjectRequest other = bucket.download("key").withMatchingETagConstraint("\"other\"");
        Kit.refused(412, "PreconditionFailed", "If-Match of another", () -> strict.read(other));
        GetObjectRequest known = bucket.download("key").withNonmatchingETagConstraint(etag);
        Kit.refused(304, "304 Not Modified", "If-None-Match", () -> strict.read(known));
    }

    private static boolean readable(TestBucket bucket, GetObjectRequest request) throws Exception {
        return bucket.client().getObject(request) != null;
    }

    /** A second process goes on with the download of one that was killed, and reads no part again that was complete. */
    static void killed() throws Exception {
        TestBucket bucket = TestBucket.made("killed-download");
        byte[] content = Kit.bytesOf(LARGE);
        bucket.put("large", content);
        Path file = Kit.folder.resolve("killed");
        Killed.run("download", bucket, "large", file);
        Kit.check(Files.exists(Path.of(file + ".cosresumabletask")), "the note of what was read");
        List<String> before = rangesRead(bucket);
        Kit.transfers(bucket.client(), manager -> resumed(manager, bucket.download("large"), file.toFile()));
        Kit.same(Kit.contentOf(file), content, "the file");
        List<String> after = rangesRead(bucket);
        after.removeAll(before.subList(0, 2));
        Kit.same(after.size(), rangesRead(bucket).size() - 2, "reads of the parts that were complete");
        List<String> others = List.of("bytes=2097152-3145727", "bytes=5242880-5242886");
        Kit.check(after.containsAll(others), "reads of the others: " + after);
    }

    static void resumed(TransferManager manager, GetObjectRequest request, File file) throws Exception {
        manager.download(request, file, null, true, null, Kit.MIB, Kit.MIB).waitForCompletion();
    }

    /** What {@code Download.pause} hands out is enough to go on with. */
    static void paused() throws Exception {
        TestBucket bucket = TestBucket.made("paused-download");
        byte[] content = Kit.bytesOf(LARGE);
        bucket.put("large", content);
        Path file = Files.write(Kit.folder.resolve("paused"), Arrays.copyOf(content, 1_000_000));
        PersistableDownload note =
                new PersistableDownload(bucket.name(), "large", null, null, null, file.toString());
        PersistableDownload read = PersistableDownload.deserializeFrom(note.serialize());
        Kit.transfers(bucket.client(), manager -> manager.resumeDownload(read).waitForCompletion());
        Kit.same(Kit.contentOf(file), content, "the file");
        Kit.same(rangesRead(bucket), List.of("bytes=1000000-5242886"), "the rest that was read");
    }

    private static List<String> rangesRead(TestBucket bucket) throws Exception {
        List<String> ranges = new ArrayList<>();
        Kit.journal("GetObject", bucket.name(), "large").forEach(exchange -> ranges.add(exchange.get("range").asText()));
        return ranges;
    }
}
