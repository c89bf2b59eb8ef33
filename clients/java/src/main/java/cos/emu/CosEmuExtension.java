package cos.emu;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.ReflectionSupport;

/** What {@link CosEmu} does; the annotation brings it along. */
public final class CosEmuExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(CosEmuExtension.class);
    private static final String NO_FAULTS = "{\"version\": 1, \"name\": \"no faults\"}";

    @Override
    public void beforeEach(ExtensionContext context) {
        World world = create(server(context), settings(context).scenario());
        context.getStore(NAMESPACE).put(World.class, world);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        World world = world(context);
        // There is none when it could not be made.
        if (world != null) {
            if (settings(context).verdict()) {
                world.delete().assertHolds();
            }
            world.close();
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == CosEmuServer.class || type == World.class && world(context) != null;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == World.class ? world(context) : server(context);
    }

    private static World world(ExtensionContext context) {
        return context.getStore(NAMESPACE).get(World.class, World.class);
    }

    /** The server of the run. JUnit closes what is in its store at the end of the run. */
    private static CosEmuServer server(ExtensionContext context) {
        Class<? extends Supplier<? extends CosEmuServer>> starter = settings(context).server();
        Store store = context.getRoot().getStore(NAMESPACE);
        return store.getOrComputeIfAbsent(starter, one -> ReflectionSupport.newInstance(one).get(), CosEmuServer.class);
    }

    private static World create(CosEmuServer server, String scenario) {
        if (scenario.isEmpty()) {
            return server.create(NO_FAULTS);
        }
        if (scenario.stripLeading().startsWith("{")) {
            return server.create(scenario);
        }
        return scenario.endsWith(".json") ? server.create(Path.of(scenario)) : server.create(server.shippedScenario(scenario));
    }

    /** The annotation that is nearest: at the method, its class, or a class around it. */
    private static CosEmu settings(ExtensionContext context) {
        for (Optional<ExtensionContext> at = Optional.of(context); at.isPresent(); at = at.get().getParent()) {
            Optional<CosEmu> found = AnnotationSupport.findAnnotation(at.get().getElement(), CosEmu.class);
            if (found.isPresent()) {
                return found.get();
            }
        }
        throw new CosEmuException("the extension wants the annotation @CosEmu, which brings it along");
    }
}
