package io.commslib.testkit.servers;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs programs that refuse to run as root: as this user, or if that is root, as another one. */
final class UnprivilegedUser {

  private static final String ID = "65534";

  /** Root runs such programs through the first of these that works. */
  private static final List<List<String>> DISGUISES =
      List.of(
          List.of("unshare", "-U"),
          List.of("setpriv", "--reuid=" + ID, "--regid=" + ID, "--clear-groups"));

  private final List<String> disguise;

  private UnprivilegedUser(List<String> disguise) {
    this.disguise = disguise;
  }

  /** Finds the way to run {@code program}, whose name is for the error text. */
  static UnprivilegedUser toRun(String program) {
    return new UnprivilegedUser(
        Shell.output(List.of("id", "-u")).equals("0") ? workingDisguise(program) : List.of());
  }

  List<String> command(Path program, List<String> arguments) {
    List<String> command = new ArrayList<>(disguise);
    command.add(program.toString());
    command.addAll(arguments);
    return command;
  }

  /** Gives an existing folder, and the way to it, to the user that the programs run as. */
  void own(Path folder) {
    if (disguise.contains("setpriv")) {
      Shell.output(List.of("chmod", "711", folder.getParent().toString()));
      Shell.output(List.of("chown", "-R", ID + ":" + ID, folder.toString()));
    }
  }

  private static List<String> workingDisguise(String program) {
    for (List<String> candidate : DISGUISES) {
      List<String> probe = new ArrayList<>(candidate);
      probe.add("true");
      if (Shell.succeeds(probe)) {
        return candidate;
      }
    }
    throw new ServerUnavailableException(
        program
            + " does not run as root, and neither unshare nor setpriv works here;"
            + " run as another user",
        null);
  }
}
