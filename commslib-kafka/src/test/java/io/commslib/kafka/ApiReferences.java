package io.commslib.kafka;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The references of this module's classes to the Kafka client, read from their constant pools, and
 * those of them that the client on the class path does not have.
 */
final class ApiReferences {

  private static final String CLIENT = "org/apache/kafka/";

  private record Reference(String owner, String name, String descriptor) {}

  private final Set<String> missing = new TreeSet<>();
  private int checked;

  private ApiReferences() {}

  /** Fails with the names of missing references; returns the number of all references. */
  static int check() throws IOException, URISyntaxException {
    Path classes =
        Path.of(KafkaTransport.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    ApiReferences references = new ApiReferences();
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".class")).toList()) {
        references.checkClass(file);
      }
    }
    if (!references.missing.isEmpty()) {
      throw new AssertionError("the client has no " + references.missing);
    }
    return references.checked;
  }

  private void checkClass(Path file) throws IOException {
    Object[] pool;
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      in.readLong();
      pool = new Object[in.readUnsignedShort()];
      for (int i = 1; i < pool.length; i++) {
        int tag = in.readUnsignedByte();
        pool[i] = entry(in, tag);
        // Long and double take two entries.
        i += tag == 5 || tag == 6 ? 1 : 0;
      }
    }
    for (Object entry : pool) {
      if (entry instanceof int[] indexes && indexes[0] == 7) {
        checkOwner((String) pool[indexes[1]]);
      } else if (entry instanceof int[] indexes && (indexes[0] == 10 || indexes[0] == 11)) {
        int[] nameAndType = (int[]) pool[indexes[2]];
        checkMethod(
            new Reference(
                (String) pool[((int[]) pool[indexes[1]])[1]],
                (String) pool[nameAndType[1]],
                (String) pool[nameAndType[2]]));
      }
    }
  }

  private static Object entry(DataInputStream in, int tag) throws IOException {
    return switch (tag) {
      case 1 -> in.readUTF();
      case 7, 8, 16, 19, 20 -> new int[] {tag, in.readUnsignedShort()};
      case 9, 10, 11, 12, 17, 18 -> new int[] {tag, in.readUnsignedShort(), in.readUnsignedShort()};
      case 3, 4 -> in.readInt();
      case 5, 6 -> in.readLong();
      case 15 -> new int[] {tag, in.readUnsignedByte(), in.readUnsignedShort()};
      default -> throw new IOException("constant pool tag " + tag);
    };
  }

  private void checkOwner(String owner) {
    if (owner.startsWith(CLIENT)) {
      checked++;
      try {
        load(owner);
      } catch (ClassNotFoundException e) {
        missing.add(owner);
      }
    }
  }

  private void checkMethod(Reference reference) {
    if (!reference.owner().startsWith(CLIENT)) {
      return;
    }
    checked++;
    try {
      Class<?> owner = load(reference.owner());
      MethodType type =
          MethodType.fromMethodDescriptorString(
              reference.descriptor(), ApiReferences.class.getClassLoader());
      boolean found =
          reference.name().equals("<init>")
              ? Arrays.stream(owner.getDeclaredConstructors())
                  .anyMatch(made -> type.parameterList().equals(List.of(made.getParameterTypes())))
              : Arrays.stream(owner.getMethods()).anyMatch(has -> is(has, reference, type));
      if (!found) {
        missing.add(reference.toString());
      }
    } catch (ClassNotFoundException | TypeNotPresentException e) {
      missing.add(reference.toString());
    }
  }

  private static boolean is(Method method, Reference reference, MethodType type) {
    return method.getName().equals(reference.name())
        && type.parameterList().equals(List.of(method.getParameterTypes()))
        && type.returnType().equals(method.getReturnType());
  }

  private static Class<?> load(String owner) throws ClassNotFoundException {
    return Class.forName(owner.replace('/', '.'), false, ApiReferences.class.getClassLoader());
  }
}
