package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * The protos keep what callers depend on: numbers and types of fields, and what methods declare
 * about repetitions. The promise is the list {@code test-protos.txt}, to which lines are added
 * only.
 */
class DescriptorSetTest {

  private static FileDescriptorSet compiled() throws IOException {
    try (InputStream in = DescriptorSetTest.class.getResourceAsStream("/test-protos.dsc")) {
      assertThat(in).as("the descriptor set that protoc has written").isNotNull();
      return FileDescriptorSet.parseFrom(in);
    }
  }

  private static List<String> promised() throws IOException {
    try (InputStream in = DescriptorSetTest.class.getResourceAsStream("/test-protos.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  /** One line for each field and method, with all that callers depend on. */
  private static Set<String> lines(FileDescriptorSet set) {
    Set<String> lines = new TreeSet<>();
    for (FileDescriptorProto file : set.getFileList()) {
      if (file.getPackage().startsWith("commslib.")) {
        file.getMessageTypeList().forEach(type -> fields(file.getPackage(), type, lines));
        file.getServiceList().forEach(service -> methods(file.getPackage(), service, lines));
      }
    }
    return lines;
  }

  private static void fields(String prefix, DescriptorProto type, Set<String> lines) {
    String name = prefix + "." + type.getName();
    for (FieldDescriptorProto field : type.getFieldList()) {
      lines.add(
          String.join(
              " ",
              name + "." + field.getName(),
              Integer.toString(field.getNumber()),
              field.getType().name() + field.getTypeName(),
              field.getLabel().name()));
    }
    type.getNestedTypeList().forEach(nested -> fields(name, nested, lines));
  }

  private static void methods(String prefix, ServiceDescriptorProto service, Set<String> lines) {
    for (MethodDescriptorProto method : service.getMethodList()) {
      lines.add(
          String.join(
              " ",
              prefix + "." + service.getName() + "/" + method.getName(),
              (method.getClientStreaming() ? "stream " : "") + method.getInputType(),
              (method.getServerStreaming() ? "stream " : "") + method.getOutputType(),
              method.getOptions().getIdempotencyLevel().name()));
    }
  }

  private static List<String> broken(FileDescriptorSet set) throws IOException {
    List<String> broken = new ArrayList<>(promised());
    broken.removeAll(lines(set));
    return broken;
  }

  @Test
  void nothingThatCallersDependOnHasChanged() throws IOException {
    assertThat(broken(compiled())).isEmpty();
    assertThat(promised()).as("new lines are promised too").containsAll(lines(compiled()));
  }

  @Test
  void itFindsEachKindOfBreak() throws IOException {
    assertThat(broken(changed(file -> file.getMessageTypeBuilder(1).removeField(1)))).hasSize(1);
    assertThat(
            broken(changed(file -> file.getMessageTypeBuilder(1).getFieldBuilder(1).setNumber(9))))
        .hasSize(1);
    assertThat(
            broken(
                changed(
                    file ->
                        file.getMessageTypeBuilder(1)
                            .getFieldBuilder(1)
                            .setType(FieldDescriptorProto.Type.TYPE_STRING))))
        .hasSize(1);
    assertThat(
            broken(
                changed(
                    file ->
                        file.getServiceBuilder(0)
                            .getMethodBuilder(0)
                            .getOptionsBuilder()
                            .setIdempotencyLevel(IdempotencyLevel.IDEMPOTENT))))
        .hasSize(1);
    assertThat(broken(changed(file -> file.removeService(0)))).hasSize(6);
  }

  private static FileDescriptorSet changed(Consumer<FileDescriptorProto.Builder> change)
      throws IOException {
    FileDescriptorSet.Builder set = compiled().toBuilder();
    set.getFileBuilderList().stream()
        .filter(file -> file.getPackage().equals("commslib.test.v1"))
        .forEach(change);
    return set.build();
  }
}
