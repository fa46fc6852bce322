-- Lists in the order of their ids, as the REST API gives them: of a project, and of its patches in one state.
CREATE INDEX patch_list_id ON patch (project_id, archived, id);
CREATE INDEX patch_list_state_id ON patch (project_id, archived, state_id, id);
