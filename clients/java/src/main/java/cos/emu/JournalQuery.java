package cos.emu;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which entries of a journal are meant: those that fulfil all that was said. Each method gives a narrower query and changes
 * nothing.
 */
public final class JournalQuery {
    private static final JournalQuery ALL = new JournalQuery(Map.of());

    private final Map<String, String> parameters;

    private JournalQuery(Map<String, String> parameters) {
        this.parameters = parameters;
    }

    /** All entries. */
    public static JournalQuery all() {
        return ALL;
    }

    /** Only this operation, such as {@code UploadPart}. */
    public JournalQuery op(String op) {
        return with("op", op);
    }

    /** Only this bucket. */
    public JournalQuery bucket(String bucket) {
        return with("bucket", bucket);
    }

    /** Only this key. */
    public JournalQuery key(String key) {
        return with("key", key);
    }

    /** Only this upload id. */
    public JournalQuery upload(String upload) {
        return with("upload", upload);
    }

    /** Only this part number. */
    public JournalQuery part(long part) {
        return with("part", Long.toString(part));
    }

    /** Only requests that are signed with this access key id. */
    public JournalQuery client(String client) {
        return with("client", client);
    }

    /** Only requests that this rule matched, or came nearest to. */
    public JournalQuery rule(String rule) {
        return with("rule", rule);
    }

    /** Only answers with this status. */
    public JournalQuery status(int status) {
        return with("status", Integer.toString(status));
    }

    /** Only requests at which a rule had this outcome, such as {@code fired}; see {@link Exchange.Rule}. */
    public JournalQuery outcome(String outcome) {
        return with("outcome", outcome);
    }

    /** Only entries from this number on. */
    public JournalQuery from(long n) {
        return with("from", Long.toString(n));
    }

    /** At most so many entries, the first of them; 10,000 by itself, which is also the most. */
    public JournalQuery limit(int limit) {
        return with("limit", Integer.toString(limit));
    }

    JournalQuery with(String name, String value) {
        Map<String, String> more = new TreeMap<>(parameters);
        more.put(name, value);
        return new JournalQuery(more);
    }

    /** The query in the form of a URL, without the question mark. */
    @Override
    public String toString() {
        return parameters.entrySet().stream()
                .map(one -> one.getKey() + "=" + URLEncoder.encode(one.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
    }
}
