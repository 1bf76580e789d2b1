package io.commslib.jackson;

import com.fasterxml.jackson.annotation.JsonCreator;
import io.commslib.core.CodecException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.cfg.PackageVersion;
import tools.jackson.databind.json.JsonMapper;

/**
 * Checks the jars of Jackson on the class path. A platform may manage the annotations, which
 * Jackson 2 and 3 share, in a version that is too old for Jackson 3.
 */
final class JacksonVersions {

  /** A value that needs the annotations and the parser like every other class. */
  record Probe(String text, int number) {}

  private JacksonVersions() {}

  /** Returns whether this Jackson refuses an absent primitive as if it were null. */
  static boolean refusesAbsentPrimitives() {
    return PackageVersion.VERSION.getMajorVersion() == 3
        && PackageVersion.VERSION.getMinorVersion() < 2;
  }

  /** Writes and reads a value, which fails immediately if the jars are incompatible. */
  static void probe(JsonMapper mapper) {
    mapper.readValue(mapper.writeValueAsBytes(new Probe("", 1)), Probe.class);
  }

  static CodecException incompatible(LinkageError failure) {
    return new CodecException(
        "COMMS-JACKSON-005",
        "jackson-annotations: "
            + version(JsonCreator.class, "com.fasterxml.jackson.core", "jackson-annotations")
            + " with jackson-databind "
            + version(JsonMapper.class, "tools.jackson.core", "jackson-databind")
            + " and jackson-core "
            + version(JsonFactory.class, "tools.jackson.core", "jackson-core")
            + " (expected: databind and core of one version, 3.1 or newer, and annotations 2.21 or"
            + " newer for 3.1, 2.22 or newer for 3.2)",
        failure);
  }

  /** Returns the version from Maven's file in the jar, without running code of the jar. */
  private static String version(Class<?> type, String group, String artifact) {
    String file = "/META-INF/maven/" + group + "/" + artifact + "/pom.properties";
    Properties properties = new Properties();
    try (InputStream in = type.getResourceAsStream(file)) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      return "unknown";
    }
    return properties.getProperty("version", "unknown");
  }
}
