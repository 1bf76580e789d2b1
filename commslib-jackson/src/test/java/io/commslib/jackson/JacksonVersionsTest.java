package io.commslib.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.commslib.core.CodecException;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.cfg.PackageVersion;

class JacksonVersionsTest {

  record Everything(
      boolean flag,
      byte tiny,
      short small,
      char letter,
      int number,
      long big,
      float rough,
      double exact,
      String text) {}

  record Nested(Everything inner, int[] numbers, int count) {}

  private final JacksonCodec codec = JacksonCodec.create();

  private <T> T read(String json, Class<T> type) {
    return codec.decode(json.getBytes(StandardCharsets.UTF_8), type);
  }

  @Test
  void readsAbsentPropertiesAsNullZeroOrFalseInEveryVersion() {
    Everything empty = new Everything(false, (byte) 0, (short) 0, '\0', 0, 0, 0, 0, null);
    assertThat(read("{}", Everything.class)).isEqualTo(empty);
    assertThat(read("{\"inner\":{}}", Nested.class)).isEqualTo(new Nested(empty, null, 0));
  }

  @Test
  void readsAndWritesPrimitivesUnchanged() {
    Everything value =
        new Everything(true, (byte) -1, (short) 2, 'x', 3, Long.MAX_VALUE, 0.5f, 1e-300, "t");
    assertThat(codec.decode(codec.encode(value), Everything.class)).isEqualTo(value);
  }

  @ParameterizedTest
  @ValueSource(strings = {"flag", "tiny", "small", "letter", "number", "big", "rough", "exact"})
  void refusesNullForAPrimitiveInEveryVersion(String name) {
    assertThatExceptionOfType(CodecException.class)
        .isThrownBy(() -> read("{\"" + name + "\":null}", Everything.class))
        .withMessageStartingWith("COMMS-JACKSON-003")
        .withMessageContaining("$." + name);
    assertThatExceptionOfType(CodecException.class)
        .isThrownBy(() -> read("{\"numbers\":[1,null]}", Nested.class))
        .withMessageStartingWith("COMMS-JACKSON-003");
  }

  /** A class of the annotations, one of the parser, and one that is needed only to read a value. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "com.fasterxml.jackson.annotation.JsonSerializeAs",
        "com.fasterxml.jackson.annotation.JsonView",
        "tools.jackson.core.StreamWriteConstraints"
      })
  void namesTheVersionsOfIncompatibleJars(String missing) throws Exception {
    try (URLClassLoader jars = new Without(missing)) {
      Method create = jars.loadClass(JacksonCodec.class.getName()).getMethod("create");
      assertThatExceptionOfType(InvocationTargetException.class)
          .isThrownBy(() -> create.invoke(null))
          .havingCause()
          .isInstanceOf(CodecException.class)
          .withMessageStartingWith("COMMS-JACKSON-005: jackson-annotations: 2.")
          .withMessageContaining(" with jackson-databind " + PackageVersion.VERSION + " and")
          .withMessageContaining("(expected: ");
    }
  }

  /** A copy of the class path without the classes whose names begin with a prefix. */
  private static final class Without extends URLClassLoader {

    private final String missing;

    Without(String missing) {
      super(
          Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
              .map(Without::url)
              .toArray(URL[]::new),
          JacksonVersionsTest.class.getClassLoader());
      this.missing = missing;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith(missing)) {
        throw new ClassNotFoundException(name);
      }
      if (name.startsWith("io.commslib.jackson.")
          || name.startsWith("tools.jackson.")
          || name.startsWith("com.fasterxml.jackson.")) {
        synchronized (getClassLoadingLock(name)) {
          Class<?> loaded = findLoadedClass(name);
          return loaded == null ? findClass(name) : loaded;
        }
      }
      return super.loadClass(name, resolve);
    }

    private static URL url(String path) {
      try {
        return Path.of(path).toUri().toURL();
      } catch (MalformedURLException e) {
        throw new IllegalStateException(path, e);
      }
    }
  }
}
