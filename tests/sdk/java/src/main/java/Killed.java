import com.qcloud.cos.COSClient;
import com.qcloud.cos.http.HandlerAfterProcess;
import com.qcloud.cos.model.GetObjectRequest;
import com.qcloud.cos.model.PutObjectRequest;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Transfers in a process of their own, which ends in their middle as if it were killed. */
final class Killed {

    /** What a process ends with that was sent SIGKILL. */
    private static final int KILLED = 137;

    private Killed() {}

    static void run(String what, TestBucket bucket, String key, Path file) throws Exception {
        String java = ProcessHandle.current().info().command().orElseThrow();
        String classes = System.getProperty("java.class.path");
        // It is over before the optimising compiler has paid.
        List<String> command = List.of(
                java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", classes, "Main", Kit.emulator.toString(), what,
                bucket.name(), key, file.toString());
        Process process = new ProcessBuilder(command).inheritIO().start();
        Kit.same(process.waitFor(), KILLED, "the end of the process");
    }

    /** What the process does. */
    static void transfer(String what, String bucket, String key, String path) throws Exception {
        if (what.equals("upload")) {
            upload(new PutObjectRequest(bucket, key, new File(path)));
        } else {
            download(new GetObjectRequest(bucket, key), new File(path));
        }
    }

    private static void upload(PutObjectRequest request) throws Exception {
        request.setEnableResumableUpload(true);
        // It looks for a begun upload, begins one, lists its parts, and has then sent three.
        Kit.transfers(killedAfter(6), manager -> manager.upload(request).waitForUploadResult());
    }

    private static void download(GetObjectRequest request, File file) throws Exception {
        request.setDownloadPartsThreads(1);
        // After a HEAD, two parts were read, and the third is answered.
        Kit.transfers(killedAfter(4), manager -> Downloads.resumed(manager, request, file));
    }

    private static COSClient killedAfter(int requests) {
        AtomicInteger done = new AtomicInteger();
        HandlerAfterProcess end = (status, milliseconds) -> {
            if (done.incrementAndGet() == requests) {
                Runtime.getRuntime().halt(KILLED);
            }
        };
        return Kit.client(Kit.OWNED, config -> config.setHandlerAfterProcess(end));
    }
}
