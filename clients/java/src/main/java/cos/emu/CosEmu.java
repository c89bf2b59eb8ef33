package cos.emu;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives each test a new {@link World}, as a parameter, on a server that all tests of the run share; a {@link CosEmuServer} may
 * be a parameter too. The world is deleted when the test is over. At a method it counts in the place of that at the class.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@ExtendWith(CosEmuExtension.class)
public @interface CosEmu {
    /**
     * The scenario of the world: the name of a shipped one, the path of a file when it ends with {@code .json}, or the text
     * itself when it begins with a brace. Without one there are no faults.
     */
    String scenario() default "";

    /** Whether the test fails when the verdict at its end does not hold. */
    boolean verdict() default false;

    /**
     * What starts the server, with a constructor without parameters: once in a run for each such class. By itself it is the
     * binary, with the bucket {@code demo-1250000000}.
     */
    Class<? extends Supplier<? extends CosEmuServer>> server() default Binary.class;

    /** Starts the binary, with the bucket {@code demo-1250000000}. */
    final class Binary implements Supplier<CosEmuServer> {
        @Override
        public CosEmuServer get() {
            return CosEmuProcess.start(new ServerOptions().bucket("demo-1250000000"));
        }
    }
}
