package cos.emu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** A client that never retries and signs nothing. */
final class Plain {
    private static final HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();

    private Plain() {}

    /** Puts an object into a world that its header names, and tells the status. */
    static int put(World world, String key, String content) {
        URI url = world.endpoint().resolve("/" + Sdk.BUCKET + "/" + key.replace(" ", "%20"));
        HttpRequest request = HttpRequest.newBuilder(url)
                .header(world.header().name(), world.header().value())
                .PUT(BodyPublishers.ofString(content))
                .build();
        try {
            return HTTP.send(request, BodyHandlers.discarding()).statusCode();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (InterruptedException interrupted) {
            throw Client.interrupted("a PUT", interrupted);
        }
    }
}
