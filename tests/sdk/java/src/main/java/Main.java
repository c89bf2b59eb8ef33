import com.qcloud.cos.COSClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Everything that the official Java SDK offers of object storage, against cos-emu:
 * {@code java -cp '.clients/java/*' Main <url>}.
 *
 * <p>Each step works in buckets of its own, {@code java-<name>-1250000000}. Requests reach the emulator as their proxy, so
 * that they bear the service's own host names; the JVM takes no proxy from its environment. Prints {@code ok}, or the
 * expectation that failed.
 *
 * <p>What this SDK has no call for: retention of objects, acceleration, origins, strict signatures, and deletion of a
 * referer list, of logging and of versioning (the service has none of the last two either). It signs for PostObject and
 * does not send it, and reads object locks and the rules of intelligent tiering without a call that puts them: those
 * requests go out by a plain client. Batch jobs, Cloud Infinite, fetch tasks, KMS and temporary credentials are services
 * of their own. Renaming needs a bucket with metadata acceleration, which the emulator has none of.
 */
public final class Main {

    private static final Map<String, Kit.Action> STEPS = new LinkedHashMap<>();

    static {
        STEPS.put("buckets", Buckets::buckets);
        STEPS.put("one piece", Uploads::onePiece);
        STEPS.put("preflight", Uploads::preflight);
        STEPS.put("in parts", Uploads::inParts);
        STEPS.put("parts by hand", Uploads::partsByHand);
        STEPS.put("folders", Uploads::folders);
        STEPS.put("killed upload", Uploads::killed);
        STEPS.put("paused upload", Uploads::paused);
        STEPS.put("reads", Downloads::reads);
        STEPS.put("killed download", Downloads::killed);
        STEPS.put("paused download", Downloads::paused);
        STEPS.put("copies", Copies::copies);
        STEPS.put("copies in parts", Copies::inParts);
        STEPS.put("listing", Listing::listing);
        STEPS.put("folders in lists", Listing::folders);
        STEPS.put("versions", Versions::versions);
        STEPS.put("suspended versions", Versions::suspended);
        STEPS.put("presigned", Access::presigned);
        STEPS.put("form", Access::form);
        STEPS.put("refusals", Access::refusals);
        STEPS.put("access control lists", Access::lists);
        STEPS.put("policy", Access::policy);
        STEPS.put("other ways", Access::otherWays);
        STEPS.put("tags", ObjectKinds::tags);
        STEPS.put("appended", ObjectKinds::appended);
        STEPS.put("archived", ObjectKinds::archived);
        STEPS.put("symlinks", ObjectKinds::symlinks);
        STEPS.put("not emulated", ObjectKinds::notEmulated);
        STEPS.put("encrypted", Encryption::byTheService);
        STEPS.put("encrypted by a key of the customer", Encryption::byKeyOfCustomer);
        STEPS.put("encrypted by the client", Encryption::byTheClient);
        STEPS.put("cors", Configurations::cors);
        STEPS.put("lifecycle", Configurations::lifecycle);
        STEPS.put("bucket tags", Configurations::tagging);
        STEPS.put("referers", Configurations::referer);
        STEPS.put("website", Configurations::website);
        STEPS.put("replication", Configurations::replication);
        STEPS.put("logging", Configurations::logging);
        STEPS.put("inventory", Configurations::inventory);
        STEPS.put("bucket encryption", Configurations::encryption);
        STEPS.put("domains", Configurations::domain);
        STEPS.put("intelligent tiering", Configurations::intelligentTiering);
        STEPS.put("object lock", Configurations::objectLock);
        STEPS.put("all of a bucket", Configurations::together);
    }

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        // The SDK logs through SLF4J, which would say on every run that nobody listens.
        System.setProperty("slf4j.internal.verbosity", "ERROR");
        Kit.reach(arguments[0]);
        if (arguments.length > 1) {
            Killed.transfer(arguments[1], arguments[2], arguments[3], arguments[4]);
            return;
        }
        Kit.folder = Files.createTempDirectory("cos-emu-");
        boolean passed = STEPS.keySet().stream().allMatch(Main::passes);
        try (Stream<Path> files = Files.walk(Kit.folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
        if (passed) {
            System.out.println("ok");
        }
        // Pools of the SDK that nothing ends would keep the program alive.
        System.exit(passed ? 0 : 1);
    }

    private static boolean passes(String step) {
        try {
            STEPS.get(step).run();
            return true;
        } catch (Kit.Failed failure) {
            System.out.println("failed: " + step + ": " + failure.getMessage());
        } catch (Exception failure) {
            System.out.println("failed: " + step + ": " + failure);
            failure.printStackTrace();
        } finally {
            Kit.clients.forEach(COSClient::shutdown);
            Kit.clients.clear();
        }
        return false;
    }
}
